# The validated config, where things are, and what makes an output stale.
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.persistence.file import FilePersistence

from workflow_scripts import numerics
from workflow_scripts.preflight import damage, parts, tensors
from workflow_scripts.preflight.digest import code_parts, lock_parts
from workflow_scripts.preflight.recover import recover
from workflow_scripts.ticketlab import models, tasks
from workflow_scripts.ticketlab.calibration.registry import CALIBRATIONS
from workflow_scripts.ticketlab.config import rule_params, study as study_config
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report.figures.registry import FIGURES as FIGURE_MODULES

ROOT = Path(workflow.basedir)
CONDA = "../envs/environment.yaml"

# Snakemake merges config files key by key; ours knows that a corpus of another kind replaces the one below it.
try:
    CONFIG = study_config.load(
        [ROOT / "config.yaml", *workflow.config_settings.configfiles], dict(workflow.config_settings.config)
    )
    if workflow.is_main_process:
        tensors.check(CONFIG, ROOT)
except TicketlabError as error:
    raise WorkflowError(str(error)) from None
# Jobs inherit this: their libraries look at the environment as they are loaded.
numerics.fix(CONFIG.numerics)
if workflow.is_main_process and CONFIG.numerics != "native" and numerics.doubt():
    logger.warning(numerics.doubt())
STUDIES = CONFIG.names()
LOCK = parts.remember(lock_parts(ROOT / "envs/requirements.lock") | {"numerics": CONFIG.numerics})
GPUS = int(CONFIG.device.startswith("cuda"))  # what a scheduler is asked for by each job that runs networks

# What is no longer what its job wrote counts as unfinished, so that it is made again; results that were copied without
# Snakemake's records get them from the manifests. A job's own process does not look.
if workflow.is_main_process:
    RECORDS = FilePersistence(nolock=True)
    for damaged in damage.everywhere(CONFIG.results):
        logger.warning(f"{damaged}: {damaged.rule} is to make it again.")
        RECORDS._mark_incomplete(damaged.path, None)
    recover(CONFIG.results, RECORDS)


wildcard_constraints:
    study="|".join(STUDIES),
    block=r"\d+",
    rewind=r"\d+",
    level=r"\d+",
    split=r"\d+",
    batch=r"\d+",
    cell="[a-z0-9_]+",
    control="[a-z_]+",
    instrument="|".join(INSTRUMENTS),
    source=r"dense|tickets|development|split\d+",


def at(path):
    """A path below the results folder."""
    return f"{CONFIG.results}/{path}"


def grown(amount):
    """A job's memory or time: `amount`, and as much again at each further attempt (profiles/slurm makes several)."""
    return lambda wildcards, attempt: amount * attempt


def code(script, *named):
    """The digest of a script and all it reaches, and of the modules that it loads by name.

    named: of those, whatever a registry has for it; a study's own task and model files are added by themselves.
    """

    @cache
    def digest(*modules):
        return parts.remember(code_parts(ROOT / "workflow_scripts" / script, *named, *modules, root=ROOT))

    def of_job(wildcards):
        if not hasattr(wildcards, "study"):
            return digest()
        settings = CONFIG.studies[wildcards.study]
        return digest(tasks.TASKS[settings.task.kind], models.MODELS[settings.model.kind])

    return of_job


def code_of_figures(*names):
    """The digest of the code that draws these figures."""
    return code("draw.py", *(FIGURE_MODULES[name] for name in names))


def every(pattern, **values):
    """`pattern` for each study to run, each of its blocks, and each of `values` (a name to a function of a study)."""
    paths = []
    for study in STUDIES:
        choices = {name: list(function(study)) for name, function in values.items()}
        blocks = rule_params.blocks(CONFIG, study)
        paths += (
            expand(at(pattern), study=study, block=blocks, **choices)
            if "{block}" in pattern
            else expand(at(pattern), study=study, **choices)
        )
    return paths


def pruning(study):
    return CONFIG.studies[study].pruning


def spawning(study):
    return CONFIG.studies[study].spawning
