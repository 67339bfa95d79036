# ticketlab: are lottery tickets compatible with developmental interpretability? README.md says how to use this.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/data.smk"
include: "rules/dense.smk"
include: "rules/tickets.smk"
include: "rules/roles.smk"
include: "rules/instruments.smk"
include: "rules/noise.smk"
include: "rules/development.smk"
include: "rules/resampling.smk"
include: "rules/forecast.smk"
include: "rules/dimension.smk"
include: "rules/calibration.smk"
include: "rules/verdicts.smk"
include: "rules/clock.smk"
include: "rules/report.smk"


# Every stage's outputs, not only the last: Snakemake remakes a missing or stale intermediate only if it is asked for.
rule all:
    default_target: True
    input:
        rules.data.input,
        rules.dense.input,
        rules.tickets.input,
        rules.roles.input,
        rules.instruments.input,
        rules.noise.input,
        rules.development.input,
        rules.resampling.input,
        rules.forecast.input,
        rules.dimension.input,
        rules.calibrations.input,
        rules.verdicts.input,
        rules.clock.input,
        rules.figures.output,
        rules.report.output,
