# ticketlab: are lottery tickets compatible with developmental interpretability? README.md says how to use this.
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")
if not Path(workflow.snakefile).with_name("workflow_scripts").is_dir():
    here = "ticketlab's rules import its library, which is not here"
    raise WorkflowError(f"{workflow.snakefile}: {here}: clone the whole repository and name the Snakefile in it")


configfile: Path(workflow.snakefile).with_name("config.yaml")


report: "workflow_scripts/ticketlab/report/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/calibration.smk"
include: "rules/data.smk"
include: "rules/dense.smk"
include: "rules/tickets.smk"
include: "rules/roles.smk"
include: "rules/instruments.smk"
include: "rules/noise.smk"
include: "rules/development.smk"
include: "rules/resampling.smk"
include: "rules/forecast.smk"
include: "rules/compression.smk"
include: "rules/dimension.smk"
include: "rules/verdicts.smk"
include: "rules/clock.smk"
include: "rules/report.smk"


# Every stage's outputs, not only the last: Snakemake remakes a missing or stale intermediate only if it is asked for.
# Each rules file adds its stage to STAGES.
rule all:
    default_target: True
    input:
        STAGES,
