"""The part of the config that each rule reads: one function per rule, which returns one dict of plain values.

A rule's output is stale when its spec changes, so a spec holds everything that its script reads and nothing else. The
arguments after the config have the names of the rule's wildcards.
"""

from pathlib import Path

from workflow_scripts.ticketlab.config.study import Config, StudySettings
from workflow_scripts.ticketlab.core.folders import files_below
from workflow_scripts.ticketlab.core.recorded_steps import choose_checkpoints
from workflow_scripts.ticketlab.settings.procedure import Procedure
from workflow_scripts.ticketlab.settings.pruning import DECISIVE

# The figures of report/figures/registry.py that one rule draws from comparisons and verdicts.
FIGURES = ("tickets", "strong_form", "roles", "transience", "llc", "llc_scales")


def blocks(config: Config, study: str) -> range:
    """The numbers of a study's seed blocks."""
    settings = config.studies[study]
    return range(settings.seeds // settings.block_size)


def having(config: Config, section: str) -> list[str]:
    """The studies that run the experiment of this section."""
    return [study for study in config.names() if getattr(config.studies[study], section) is not None]


def trained(config: Config) -> list[str]:
    """The studies whose networks are trained here."""
    return [study for study in config.names() if config.studies[study].released is None]


def wildcard_values(config: Config, study: str) -> dict[str, list]:
    """The values in a study of each wildcard that has the same values in all rules.

    Those of rules that train have none where the networks were released by others.
    """
    settings = config.studies[study]
    if settings.released is not None:
        untrained: dict[str, list] = {name: [] for name in ("rewind", "level", "control", "rate", "batch")}
        return untrained | {"block": list(blocks(config, study)), "split": settings.spawning.split_steps}
    return {
        "block": list(blocks(config, study)),
        "rewind": settings.pruning.rewind_steps,
        "level": list(range(1, settings.pruning.rounds + 1)),
        "control": settings.pruning.all_controls(),
        "rate": settings.pruning.other_rates(),
        "split": settings.spawning.split_steps,
        "batch": doses(config, study),
    }


def role_sources(config: Config, study: str) -> list[str]:
    """The networks whose roles are scored: the dense ones, and the children of every split step."""
    return ["dense", *(f"split{step}" for step in config.studies[study].spawning.split_steps)]


def llc_sources(config: Config, study: str) -> list[str]:
    """The networks whose learning coefficients are estimated: the dense ones, and tickets where there are some."""
    return ["dense"] if config.studies[study].released else ["dense", "tickets"]


def first_rewind(config: Config, study: str) -> int:
    """The rewind step whose tickets the instruments look at: the first that the config names."""
    return config.studies[study].pruning.rewind_steps[0]


def least_rewind(config: Config, study: str) -> int:
    """The rewind step whose tickets are developed: θ₀ where the study rewinds there."""
    return min(config.studies[study].pruning.rewind_steps)


def clock_level(config: Config, study: str) -> int:
    """The round whose tickets the developmental clock looks at."""
    return config.studies[study].pruning.clock_level


def masked_at_a_step(config: Config, study: str) -> list[str]:
    """The controls whose masks are those of a dense network at a step: the first, one between, the last."""
    controls = config.studies[study].pruning.all_controls()
    return [name for name in ("initial_magnitude", "mask_at_step", "one_shot") if name in controls]


def llc_of_developed(config: Config, study: str) -> list[str]:
    """The sources of learning coefficients that are compared along training; none if tickets have none."""
    settings = config.studies[study].development
    return ["dense", "development"] if settings is not None and settings.llc_checkpoints else []


def prepare_data(config: Config, study: str) -> dict:
    return {"study": study, "task": _section(config, study, "task")}


def external_files(config: Config, study: str) -> list[str]:
    """The user's own files behind a study's data, so that a change of them is seen; folders are listed file by file."""
    task = _section(config, study, "task")
    corpus, tokeniser = task.get("corpus", {}), task.get("tokeniser", {})
    paths = (task.get("path"), corpus.get("path"), corpus.get("name"), tokeniser.get("path"))
    named = [value for value in paths if value]
    found: list[str] = []
    for name in named:
        path = Path(name)
        # A Hugging Face name that is no local path is not a file; preflight/own_files.py refuses other absent paths.
        if path.is_dir():
            found += map(str, files_below(path))
        elif path.exists() or name != corpus.get("name"):
            found.append(name)
    return found


def released_folders(config: Config, study: str) -> list[Path]:
    """The local folders of the study's released checkpoints."""
    released = config.studies[study].released
    return [Path(member.path) for member in released.members if member.path] if released else []


def own_model(config: Config, study: str) -> Path | None:
    """The user's own file with the study's network, if it has one."""
    model = config.studies[study].model
    return Path(model.path) if model.kind == "module" else None


def train_dense(config: Config, study: str, block: int) -> dict:
    settings = config.studies[study]
    first = settings.first_seed + block * settings.block_size
    seeds = range(first, first + settings.block_size)
    resume = {0, *settings.pruning.rewind_steps, *settings.spawning.split_steps}
    kept = {*_checkpoints(config, study), *resume, *settings.pruning.mask_steps}
    return _trained(config, study) | {
        "seeds": list(seeds),
        "checkpoints": sorted(kept),
        "resume_steps": sorted(resume),
    }


def import_checkpoints(config: Config, study: str, block: int) -> dict:
    """`seeds`: the initialisations of this block; `released`: with the members of all blocks up to this one."""
    settings = config.studies[study]
    until = (block + 1) * settings.block_size
    released = _section(config, study, "released")
    members = [member for member in released["members"] if member["init_seed"] < until]
    return _network(config, study) | {
        "seeds": list(range(block * settings.block_size, until)),
        "released": {key: value for key, value in released.items() if key != "block_size"} | {"members": members},
    }


def imp_round(config: Config, study: str, rewind: int, level: int) -> dict:
    # Without the number of rounds and the controls: one more of either leaves the finished rounds alone.
    return _pruned(config, study) | {"rewind_step": rewind, "level": level}


def train_controls(config: Config, study: str, control: str) -> dict:
    mask_steps = config.studies[study].pruning.mask_steps if control == "mask_at_step" else []
    return _pruned(config, study) | {"control": control, "mask_steps": mask_steps}


def train_rates(config: Config, study: str, rate: float) -> dict:
    spec = {key: value for key, value in _pruned(config, study).items() if key != "checkpoints"}
    return spec | {"controls": [*DECISIVE], "rate": rate}


def sweep_rates(config: Config, study: str) -> dict:
    return _trained(config, study) | {"factors": _section(config, study, "rate_sweep")["factors"]}


def draw_rate_sweep(config: Config, study: str) -> dict:
    return {"study": study, "learning_rate": config.studies[study].training.learning_rate}


def find_supermask(config: Config, study: str) -> dict:
    return _trained(config, study) | {
        "supermask": _section(config, study, "supermask"),
        "checkpoints": config.studies[study].checkpoints,
    }


def train_spawned(config: Config, study: str, split: int) -> dict:
    settings = config.studies[study].spawning
    controls = settings.controls if split == 0 else []
    return _trained(config, study) | {"split_step": split, "orders": settings.orders, "controls": controls}


def doses(config: Config, study: str) -> list[int]:
    """The batch sizes of the study's noise experiment."""
    settings = config.studies[study].noise
    return [] if settings is None else settings.batch_sizes


def vary_noise(config: Config, study: str, batch: int) -> dict:
    pruning, network = _section(config, study, "pruning"), _trained(config, study)
    return network | {
        "training": network["training"] | {"batch_size": batch},
        "roles": _scoring(config, study),
        "schedule": pruning["schedule"],
        "level": pruning["clock_level"],
        "orders": _section(config, study, "noise")["orders"],
    }


def summarise_noise(config: Config, study: str) -> dict:
    alpha = config.studies[study].judging.alpha
    return {"study": study, "batch_sizes": doses(config, study), "alpha": alpha}


def draw_noise(config: Config) -> dict:
    """The batch size of each study's own recipe."""
    return {"studies": {study: config.studies[study].training.batch_size for study in having(config, "noise")}}


def development_level(config: Config, study: str) -> int:
    """The round of the tickets that are searched for transients."""
    settings = config.studies[study]
    return (settings.development and settings.development.level) or settings.pruning.clock_level


def develop_tickets(config: Config, study: str) -> dict:
    return _trained(config, study) | {
        "schedule": _section(config, study, "pruning")["schedule"],
        "level": development_level(config, study),
        "structure": _section(config, study, "structure"),
        "structures": _section(config, study, "development")["structures"],
        "llc_steps": _steps_of_development(config, study),
    }


def summarise_development(config: Config) -> dict:
    return {"studies": {study: _section(config, study, "judging") for study in having(config, "development")}}


def draw_development(config: Config) -> dict:
    return {
        "studies": {
            study: {
                "structures": _section(config, study, "development")["structures"],
                "judging": _section(config, study, "judging"),
                "last_step": config.studies[study].training.steps,
            }
            for study in having(config, "development")
        }
    }


def resample_weights(config: Config, study: str) -> dict:
    pruning = _section(config, study, "pruning")
    return _trained(config, study) | {
        "roles": _scoring(config, study),
        "schedule": pruning["schedule"],
        "level": pruning["clock_level"],
        "keep": _section(config, study, "resampling")["keep"],
    }


def summarise_resampling(config: Config) -> dict:
    return {"alpha": {study: config.studies[study].judging.alpha for study in having(config, "resampling")}}


def draw_resampling(config: Config) -> dict:
    return {"judging": {study: _section(config, study, "judging") for study in having(config, "resampling")}}


def forecast_roles(config: Config, study: str) -> dict:
    settings = config.studies[study]
    section = _section(config, study, "forecast")
    supermask = _section(config, study, "supermask")
    return _network(config, study) | {
        "roles": _scoring(config, study),
        "forecast": section,
        "steps": choose_checkpoints(section["checkpoints"], _checkpoints(config, study)),
        "supermask_steps": supermask["steps"],
        "supermask_densities": supermask["densities"],
        "alpha": settings.judging.alpha,
    }


def draw_forecast(config: Config) -> dict:
    return {"forecast": {study: _section(config, study, "forecast") for study in having(config, "forecast")}}


def measure_deep_linear(config: Config) -> dict:
    # The others are read by what comes after.
    return config.dimension.model_dump(mode="json", exclude={"alpha", "slope_tolerance"})


def summarise_dimension(config: Config) -> dict:
    return {"alpha": config.dimension.alpha}


def draw_dimension(config: Config) -> dict:
    return {}


def trace_mask_overlap(config: Config, study: str) -> dict:
    settings = config.studies[study]
    return _network(config, study) | {
        "device": "cpu",  # no network runs
        "schedule": _section(config, study, "pruning")["schedule"],
        "level": settings.pruning.clock_level,
        "last_step": settings.training.steps,
    }


def trace_released_masks(config: Config, study: str) -> dict:
    return trace_mask_overlap(config, study)


def trace_structure(config: Config, study: str) -> dict:
    return _network(config, study) | {"structure": _section(config, study, "structure")}


def followed(config: Config) -> list[str]:
    """The studies whose roles are scored along training."""
    return [study for study in config.names() if config.studies[study].roles.checkpoints]


def score_roles(config: Config, study: str, source: str) -> dict:
    """`source` is "dense" or the children of a split step, at the end; or "course", dense networks before it."""
    settings = config.studies[study]
    steps = [settings.training.steps]
    if source == "course":
        steps = choose_checkpoints(settings.roles.checkpoints, _checkpoints(config, study))[:-1]
    return _network(config, study) | {"roles": _scoring(config, study), "steps": steps}


def compare_roles(config: Config, study: str) -> dict:
    return {"study": study, "roles": _scoring(config, study)}


def follow_roles(config: Config, study: str) -> dict:
    return {"clear": config.studies[study].judging.clear}


def draw_role_courses(config: Config) -> dict:
    return {"studies": {study: {"last_step": config.studies[study].training.steps} for study in followed(config)}}


def estimate_llc(config: Config, study: str, source: str) -> dict:
    """`source` is "dense" (at some of its checkpoints), "tickets" (at the end) or "development" (at some of the dense
    run's checkpoints)."""
    steps = {
        "dense": lambda: _steps_of_llc(config, study),
        "tickets": lambda: [config.studies[study].training.steps],
        "development": lambda: _steps_of_development(config, study),
    }[source]()
    settings = config.studies[study]
    return _network(config, study) | {
        "llc": _sampling(config, study),
        "steps": steps,
        "scales": [] if source == "development" else settings.llc.scales,
        "last_step": settings.training.steps,
    }


def measure_compression(config: Config, study: str) -> dict:
    section = _section(config, study, "compression")
    measured = {key: section[key] for key in ("rise", "examples", "finest")}
    return _network(config, study) | {"compression": measured, "steps": _steps_of_llc(config, study)}


def draw_compression(config: Config) -> dict:
    return {}


def sweep_llc(config: Config, study: str) -> dict:
    sweep = config.studies[study].llc_sweep
    steps = choose_checkpoints(sweep.checkpoints, _checkpoints(config, study))
    return _network(config, study) | {"llc": _sampling(config, study), "factors": sweep.factors, "steps": steps}


def draw_llc_sweep(config: Config, study: str) -> dict:
    return {"study": study, "llc": _sampling(config, study)}


def measure_barriers(config: Config, study: str) -> dict:
    settings = config.studies[study]
    return _network(config, study) | {
        "barriers": _section(config, study, "barriers"),
        "last_step": settings.training.steps,
    }


def summarise(config: Config, study: str) -> dict:
    settings = config.studies[study]
    return {
        "study": study,
        "judging": _section(config, study, "judging"),
        "last_step": settings.training.steps,
    }


def calibrate(config: Config, instrument: str) -> dict:
    """The whole section of one instrument's calibration. That of pruning tries the procedures of the studies too."""
    section: dict = getattr(config.calibration, instrument).model_dump(mode="json")
    if instrument == "pruning":
        licensed = [study for study in config.studies.values() if study.licensed_by is not None]
        procedures = {str(how): how.model_dump(mode="json") for how in map(procedure, licensed)}
        section["procedures"] = [procedures[name] for name in sorted(procedures)]
    return section


def draw_calibrations(config: Config) -> dict:
    return {}


def judge(config: Config) -> dict:
    """`procedure`: what another search must share to license a negative verdict on T1 there."""
    names = config.names()
    return {
        "studies": {
            name: {
                "judging": _section(config, name, "judging"),
                "licensed_by": config.studies[name].licensed_by,
                "drawn_once": config.studies[name].task.DRAWN_ONCE,
                "procedure": procedure(config.studies[name]).model_dump(mode="json"),
                "last_step": config.studies[name].training.steps,
            }
            for name in names
        }
    }


def judge_released(config: Config) -> dict:
    """The same, with the names of the studies whose networks were trained elsewhere."""
    return judge(config) | {"released": having(config, "released")}


def procedure(study: StudySettings) -> Procedure:
    """How this study looks for tickets."""
    schedule = study.pruning.schedule
    return Procedure(
        scope=schedule.scope, keep=schedule.keep, schedule=study.training.schedule, metric=study.judging.metric
    )


def figures(config: Config) -> dict:
    studies = {}
    for name in config.names():
        pruning = config.studies[name].pruning
        studies[name] = {
            "judging": _section(config, name, "judging"),
            "last_step": config.studies[name].training.steps,
            "clock_level": pruning.clock_level,
            "rewind_steps": pruning.rewind_steps,
            "structure_split": config.studies[name].structure.split,
        }
    return {"studies": studies}


def read_clock(config: Config) -> dict:
    wanted = ("judging", "last_step", "clock_level", "rewind_steps")
    drawn = figures(config)["studies"]
    return {"studies": {name: {key: spec[key] for key in wanted} for name, spec in drawn.items()}}


def draw_clock(config: Config) -> dict:
    return read_clock(config)


def predict(config: Config) -> dict:
    read = ("least_checkpoints", "control")
    compressed = having(config, "compression")
    compression = {name: {key: _section(config, name, "compression")[key] for key in read} for name in compressed}
    further = {"dimension": config.dimension.model_dump(mode="json"), "compression": compression}
    return read_clock(config) | further | draw_forecast(config)


def report(config: Config) -> dict:
    """The whole config, which the report shows and writes next to the results."""
    return {"config": config.written()}


def _checkpoints(config: Config, study: str) -> list[int]:
    """The steps at which every network of the study is evaluated and the dense networks are stored."""
    return config.studies[study].recorded_steps()


def _steps_of_llc(config: Config, study: str) -> list[int]:
    """The steps at which dense networks' learning coefficients are estimated."""
    return choose_checkpoints(config.studies[study].llc.checkpoints, _checkpoints(config, study))


def _steps_of_development(config: Config, study: str) -> list[int]:
    """The steps at which they are estimated in tickets too."""
    settings = config.studies[study].development
    count = 0 if settings is None else settings.llc_checkpoints
    return choose_checkpoints(count, _steps_of_llc(config, study)) if count else []


def _scoring(config: Config, study: str) -> dict:
    """The settings of the role scores; the specs' `steps` say when they are taken."""
    return {key: value for key, value in _section(config, study, "roles").items() if key != "checkpoints"}


def _sampling(config: Config, study: str) -> dict:
    """The settings of the chains; the specs' `steps` say where they run."""
    return {key: value for key, value in _section(config, study, "llc").items() if key not in ("checkpoints", "scales")}


def _section(config: Config, study: str, name: str) -> dict:
    """A section of a study."""
    return config.studies[study].model_dump(mode="json", include={name})[name]


def _network(config: Config, study: str) -> dict:
    return {
        "study": study,
        "device": config.device,
        "task": _section(config, study, "task"),
        "model": _section(config, study, "model"),
    }


def _trained(config: Config, study: str) -> dict:
    return _network(config, study) | {"training": _section(config, study, "training")}


def _pruned(config: Config, study: str) -> dict:
    return _trained(config, study) | {
        "schedule": _section(config, study, "pruning")["schedule"],
        "checkpoints": config.studies[study].checkpoints,
    }
