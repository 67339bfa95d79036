# The validated config, and what all rules are written with: paths, resources, params.
from os.path import relpath
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import flag
from snakemake.path_modifier import PATH_MODIFIER_FLAG

from workflow_scripts.preflight import own_files, surroundings, tensors
from workflow_scripts.preflight.params import Params
from workflow_scripts.preflight.recover import repair
from workflow_scripts.ticketlab.config import calibrations, rule_params, study as study_config
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report.figures.registry import FIGURES as FIGURE_MODULES, of_file as figure_of_file
from workflow_scripts.tools import outcome

ROOT = Path(workflow.snakefile).resolve().parents[1]
CONDA = "../envs/environment.yaml"
CAPTIONS = "../workflow_scripts/ticketlab/report/captions"

# Snakemake merges config files key by key; ours knows that a corpus of another kind replaces the one below it. As a
# module, the workflow has the `config` of the module statement over its own config.yaml.
try:
    own, given = workflow.config_settings.configfiles, workflow.config_settings.config
    own, given = (own, given) if workflow.modifier.is_main_snakefile() else ([], config)
    CONFIG = study_config.load([ROOT / "config.yaml", *own], dict(given))
    SHIPPED = study_config.load([ROOT / "config.yaml"], {}) if own or given else CONFIG
    if workflow.is_main_process:
        own_files.check(CONFIG)
        tensors.check(CONFIG, ROOT)
except TicketlabError as error:
    raise WorkflowError(str(error)) from None
# Jobs inherit this: their libraries look at the environment as they are loaded.
surroundings.settle(CONFIG.numerics)
STUDIES = CONFIG.names()
TRAINED, RELEASED = rule_params.trained(CONFIG), rule_params.having(CONFIG, "released")
NONE = "(?!)"  # the pattern of a wildcard that has no value
FORMATS = ["png", "svg"]
STAGES = []  # the outputs that each stage's target asks for; every rules file adds its own
job = Params(CONFIG, ROOT)  # job("train_dense"): spec, code and lock, for `params` of the rule of that name

# What is no longer what its job wrote counts as unfinished, so that it is made again; results that were copied without
# Snakemake's records get them from the manifests. A job's own process does not look.
if workflow.is_main_process:
    for folder in {CONFIG.results, CONFIG.calibrations}:
        repair(workflow.modifier.modify_path(folder))
    outcome.announce(workflow, CONFIG)

# Jobs on a GPU take turns (docs/gpu.md): those of a run on a workstation, those of one job of a cluster. Not in the
# profiles, where any --resources would replace it.
if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", 1)
# To Slurm the kind of GPU alone, as a default of all jobs, is a request for one.
NO_GPU = {"gpu_model": ""} if "gpu_model" in (workflow.resource_settings.default_resources or ()) else {}


resource_scopes:
    gpu="local",


wildcard_constraints:
    **dict.fromkeys(["block", "rewind", "level", "split", "batch"], r"\d+"),
    rate=r"[\d.]+",
    study="|".join(STUDIES),
    control="[a-z_]+",
    instrument="|".join(INSTRUMENTS),
    settings=rf"(-[0-9a-f]{{{calibrations.DIGITS}}})?",
    source=r"dense|course|tickets|development|split\d+",


def at(path):
    """A path below the results folder."""
    return workflow.modifier.modify_path(f"{CONFIG.results}/{path}")  # a module may have a prefix


def calibrated(path):
    """A path below the folder of calibrations."""
    return workflow.modifier.modify_path(f"{CONFIG.calibrations}/{path}")


def by_any(path):
    """For an input: an output that more than one rule can make; as it is it would ask for its own rule."""
    return flag(str(path), PATH_MODIFIER_FLAG)  # it has a module's prefix already


def shown(path, category):
    """An output that `snakemake --report` shows, with the caption of its name."""
    name = Path(path).stem
    caption = f"{CAPTIONS}/{figure_of_file(name, ['{study}', *STUDIES])[0]}.rst"
    return report(path, caption=caption, category=category, labels={"name": name.replace("_", " ")})


def drawn(pattern, category="Figures", **values):
    """The files of figures, `pattern` at these values; the PNG files are shown."""
    files = expand(pattern, **values, format=FORMATS, allow_missing=True)
    return [shown(file, category) if file.endswith("png") else file for file in files]


def job_name(rule, wildcards):
    """The name of a rule's jobs: train_dense/{study}-{block}."""
    return f"{rule}/{'-'.join(f'{{{name}}}' for name in wildcards)}" if wildcards else rule


def source(path):
    """A file of the library as an input. Relative: in another folder an absolute path would be another input."""
    return local(relpath(ROOT / "workflow_scripts/ticketlab" / path))


def logs(rule, *wildcards):
    """The log of a rule's job with these wildcards."""
    return at(f"logs/{job_name(rule, wildcards)}.log")


def benchmarks(rule, *wildcards):
    """Where the time and memory of the same job are written."""
    return at(f"benchmarks/{job_name(rule, wildcards)}.tsv")


def grown(amount):
    """A job's memory or time: `amount`, and as much again at each further attempt (profiles/slurm makes several)."""
    return lambda wildcards, attempt: amount * attempt


def networks(minutes):
    """The resources of a job that runs networks: it takes a GPU if the config says so."""
    if not CONFIG.device.startswith("cuda"):
        return analysis(3000, minutes)
    return {"mem_mb": grown(3000), "runtime": grown(minutes), "gpu": 1}


def analysis(mem_mb=1000, minutes=10):
    """The resources of a job that reads tables, draws, or computes on a CPU whatever the networks run on."""
    return {"mem_mb": grown(mem_mb), "runtime": grown(minutes)} | NO_GPU


def paths(pattern, study, **values):
    """`pattern` at each value of its wildcards in a study; `values`: other ones, or a function that gives them."""
    given = {name: value(CONFIG, study) if callable(value) else value for name, value in values.items()}
    return expand(pattern, study=study, **(rule_params.wildcard_values(CONFIG, study) | given))


def every(patterns, studies=STUDIES, **values):
    """A pattern, or one after the other, at each value of its wildcards in each of the studies; values as of paths."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return [path for pattern in patterns for study in studies for path in paths(pattern, study, **values)]


def of_job(pattern, **values):
    """For an input: `pattern` at a job's own wildcards and each value of all others; values as of paths."""
    return lambda wildcards: paths(pattern, **{**wildcards, **values})
