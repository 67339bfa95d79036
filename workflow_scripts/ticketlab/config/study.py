"""The config as a whole: shared defaults, a map of studies, and the checks that need more than one section.

pydantic is the source of truth: config/schema.json is generated from it (`make schema`).
"""

import os
from collections.abc import Iterable, Sequence
from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal, Self, get_args
from unicodedata import category

from pydantic import AfterValidator, Field, PositiveInt, ValidationError, model_validator

from workflow_scripts.ticketlab import tasks
from workflow_scripts.ticketlab.config.files import overlay, read_all, without_nulls
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import ORDER_STRIDE
from workflow_scripts.ticketlab.core.recorded_steps import choose_checkpoints, log_spaced_steps
from workflow_scripts.ticketlab.settings import models as model_settings
from workflow_scripts.ticketlab.settings.barriers import BarriersSettings
from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats, show
from workflow_scripts.ticketlab.settings.calibration.all import CalibrationSettings
from workflow_scripts.ticketlab.settings.compression import CompressionSettings
from workflow_scripts.ticketlab.settings.development import DevelopmentSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings
from workflow_scripts.ticketlab.settings.forecast import ForecastSettings
from workflow_scripts.ticketlab.settings.judging import JudgingSettings
from workflow_scripts.ticketlab.settings.llc import LLCSettings, LLCSweepSettings
from workflow_scripts.ticketlab.settings.noise import NoiseSettings
from workflow_scripts.ticketlab.settings.pruning import PruningSettings
from workflow_scripts.ticketlab.settings.rate_sweep import RateSweepSettings
from workflow_scripts.ticketlab.settings.released import ReleasedSettings
from workflow_scripts.ticketlab.settings.resampling import ResamplingSettings
from workflow_scripts.ticketlab.settings.role_courses import FollowedRolesSettings
from workflow_scripts.ticketlab.settings.roles import ALWAYS
from workflow_scripts.ticketlab.settings.spawning import SpawningSettings
from workflow_scripts.ticketlab.settings.structure import StructureSettings
from workflow_scripts.ticketlab.settings.supermask import SupermaskSettings
from workflow_scripts.ticketlab.settings.training import TrainingSettings
from workflow_scripts.ticketlab.tasks.problem import SPLITS

# The section of each model by its kind, which is the name of its file.
MODELS: dict[str, Any] = {
    found.name: import_module(f"{model_settings.__name__}.{found.name}").Settings
    for found in iter_modules(model_settings.__path__)
}
_ANY_MODEL: Any = reduce(or_, MODELS.values())
_ANY_TASK: Any = reduce(or_, (tasks.module(kind).Settings for kind in tasks.TASKS))

LARGEST = 10**15  # integers up to here are exact as float64
DEEPEST = 20
MOST_TOLD = 8  # mistakes in one message
# Sections of a study that train networks, or say how: a study of released checkpoints has none of them.
TRAINING = ("training", "spawning", "supermask", "noise", "development", "resampling", "forecast")
OF_MASKS = ("schedule", "clock_level")  # the keys of `pruning` that concern masks of networks as they are
LONGEST = 1000  # characters of what is wrong with one key


class StudySettings(Section):
    """A task, a model and a recipe, and the settings of each instrument."""

    seeds: PositiveInt = Field(lt=ORDER_STRIDE, description="number of initialisations")
    first_seed: int = Field(0, ge=0, lt=ORDER_STRIDE, description="the first of them; the others follow it")
    block_size: PositiveInt = Field(description="seeds trained together by one job; more seeds are more blocks")
    checkpoints: Annotated[int, Field(ge=3, le=10_000)] = Field(
        description="number of log-spaced steps at which networks are evaluated and dense networks are stored"
    )
    extends: str | None = Field(None, description="the study over which this one is laid; null: `defaults` alone")
    released: ReleasedSettings | None = Field(
        None, description="checkpoints from elsewhere in the place of dense networks; then nothing is trained"
    )
    licensed_by: str | None = Field(None, description="the study whose winning tickets license a negative result here")
    task: Annotated[_ANY_TASK, Field(discriminator="kind")]
    model: Annotated[_ANY_MODEL, Field(discriminator="kind")]
    training: TrainingSettings
    rate_sweep: RateSweepSettings = RateSweepSettings()
    pruning: PruningSettings
    supermask: SupermaskSettings | None = Field(None, description="masks over untrained weights; null: none")
    spawning: SpawningSettings
    barriers: BarriersSettings | None = Field(
        BarriersSettings(), description="on the straight line between networks that part at a step; null: none"
    )
    roles: FollowedRolesSettings
    structure: StructureSettings
    llc: LLCSettings
    llc_sweep: LLCSweepSettings = LLCSweepSettings()
    compression: CompressionSettings | None = Field(
        CompressionSettings(), description="how few weights and bits dense networks can do with; null: none"
    )
    judging: JudgingSettings
    noise: NoiseSettings | None = Field(None, description="doses of noise in the data order; null: none")
    development: DevelopmentSettings | None = Field(
        None, description="transients that are sought in tickets; null: none"
    )
    resampling: ResamplingSettings | None = Field(
        None, description="parts of θ₀ that are kept while the rest is drawn again; null: none"
    )
    forecast: ForecastSettings | None = Field(None, description="prediction of components' roles; null: none")

    @model_validator(mode="before")
    @classmethod
    def _of_released(cls, values: Any) -> Any:
        """What the checkpoints decide instead of the config: seeds, blocks, steps and data orders."""
        if not isinstance(values, dict) or values.get("released") is None:
            return values
        try:
            released = ReleasedSettings.model_validate(values["released"])
            seeds, orders, steps = len(released.init_seeds()), released.orders(), released.steps
            block_size = released.block_size or seeds
        except ValidationError:  # which the section itself will say
            seeds, orders, steps, block_size = 1, 0, [0, 1, 2], 1
        pruning = values.get("pruning")
        if not isinstance(pruning, dict):
            pruning = {}
        given = [name for name in TRAINING if values.get(name) is not None]
        given += [f"pruning.{name}" for name in pruning if name not in OF_MASKS]
        if given:
            raise ValueError(f"released networks are not trained here: leave out {', '.join(given)}")
        level = pruning.get("clock_level", 1)
        return values | {
            "seeds": seeds,
            "first_seed": 0,
            "block_size": block_size,
            "checkpoints": len(steps),
            "training": {"learning_rate": 1.0, "batch_size": 1, "steps": steps[-1]},
            "spawning": {"split_steps": [0], "orders": max(orders, 1), "controls": []},
            "pruning": {"schedule": {"keep": 0.5}, "clock_level": level}
            | pruning
            | {"rounds": level, "control_levels": [level], "controls": [], "rewound_controls": []},
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.seeds % self.block_size:
            raise ValueError(f"seeds {self.seeds} is not a multiple of block_size {self.block_size}; change one")
        if self.first_seed + self.seeds > ORDER_STRIDE:
            raise ValueError(
                f"first_seed {self.first_seed} and seeds {self.seeds} reach beyond {ORDER_STRIDE}, "
                "from where data orders have their seeds; lower one"
            )
        last = self.training.steps
        for name, steps in (
            ("pruning.rewind_steps", self.pruning.rewind_steps),
            ("pruning.mask_steps", self.pruning.mask_steps),
            ("spawning.split_steps", self.spawning.split_steps),
        ):
            if steps and max(steps) >= last:
                raise ValueError(f"{name} {max(steps)} must come before the end of training, step {last}")
        if self.forecast and not self.supermask:
            raise ValueError("forecast compares the roles with supermasks: give supermask, or leave forecast out")
        if self.forecast and self.roles.scores and "ablation" not in self.roles.scores:
            raise ValueError(
                f"forecast needs ablation effects: add ablation to roles.scores {self.roles.scores}, or leave it out"
            )
        if self.resampling and 0 not in self.pruning.rewind_steps:
            raise ValueError("resampling keeps the ticket's initial weights: pruning.rewind_steps must hold 0")
        if self.task.INPUTS not in self.model.READS:
            readers = [kind for kind, section in MODELS.items() if self.task.INPUTS in section.READS]
            raise ValueError(
                f"model.kind {self.model.kind!r} cannot read the inputs of task.kind {self.task.kind!r}; "
                f"use {' or '.join(readers)}"
            )
        if self.training.sampling == "epochs" and not self.task.FINITE:
            raise ValueError(
                f"training.sampling 'epochs': task.kind {self.task.kind!r} draws new data at every step; leave it out"
            )
        self._names_that_the_task_has()
        if self.development and self.development.level and self.development.level > self.pruning.rounds:
            raise ValueError(f"development.level {self.development.level} is beyond rounds {self.pruning.rounds}")
        recorded = self.recorded_steps()
        for name, checkpoints in (("llc", self.llc.checkpoints), ("llc_sweep", self.llc_sweep.checkpoints)):
            if isinstance(checkpoints, list):
                choose_checkpoints(checkpoints, recorded, name)
        product = self.llc.learning_rate * self.llc.localization * max(self.llc_sweep.factors)
        if product > 1:
            raise ValueError(f"llc_sweep.factors: learning_rate · localization reaches {product:g}, must be at most 1")
        return self

    def recorded_steps(self) -> list[int]:
        """The steps at which networks are evaluated and dense networks are stored."""
        return self.released.steps if self.released else log_spaced_steps(self.training.steps, self.checkpoints)

    def _names_that_the_task_has(self) -> None:
        """Raises ValueError if an instrument is to look at what this task, or this model, does not have."""
        task = f"task.kind {self.task.kind}"
        _refuse_others("structure.split", [self.structure.split], (*SPLITS, *self.task.FURTHER_SETS), task)
        references = self.structure.structures or self.task.REFERENCES
        _refuse_others("structure.structures", references, self.task.REFERENCES, task)
        traced = (*references, *self.task.COMPONENTS)
        if self.development:
            _refuse_others("development.structures", self.development.structures, traced, "what this study traces")
        scores = (*ALWAYS[self.model.COMPONENTS], *self.task.SCORES)
        _refuse_others("roles.scores", self.roles.scores or (), scores, f"{task} and model.kind {self.model.kind}")


def _refuse_others(key: str, names: Iterable[str], there: Sequence[str], where: str) -> None:
    """Raises ValueError if one of the `names` at this key is not among those that are `there`."""
    others = [name for name in names if name not in there]
    if others:
        raise ValueError(f"{key}: {', '.join(map(repr, others))} not in {where}; there are {', '.join(there)}")


def _folder(path: str) -> str:
    """The one way to write a path: Snakemake takes results/ for another folder than results, with none of its files.

    Raises ValueError for a path that Snakemake would not take literally, or that is not a folder of its own.
    """
    if not path.strip() or path.startswith("~") or set(path) & set("{}"):
        raise ValueError("must be the path of a folder, without ~ and braces, which would not be replaced")
    normal = os.path.normpath(path)
    if os.path.isabs(normal) and os.path.commonpath([normal, os.getcwd()]) == os.getcwd():
        normal = os.path.relpath(normal)
    if normal == os.curdir:
        raise ValueError("must be a folder of its own, not that of the project")
    return normal


# Folders that hold what concerns all studies.
SHARED = ("benchmarks", "calibration", "dimension", "figures", "logs")


def _name(name: str) -> str:
    if name in SHARED:
        raise ValueError(f"is a folder of the results ({', '.join(SHARED)}): choose another name")
    return name


class Config(Section):
    """The whole file."""

    results: Annotated[str, AfterValidator(_folder)] = Field(
        "results", description="folder that the workflow writes to, relative to the Snakefile"
    )
    calibrations: Annotated[str, AfterValidator(_folder)] = Field(
        "results", description="folder that holds the calibrations of the instruments, for all folders of results"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:0")
    numerics: Literal["portable", "compatible", "native"] = Field(
        "portable",
        description="CPU instructions that jobs use (workflow_scripts/numerics.py): portable, AVX2, the same numbers "
        "on all processors of a maker; compatible, also across makers, slower; native, all that the processor has",
    )
    run: list[str] = Field([], description="studies to run; empty for all")
    calibration: CalibrationSettings = CalibrationSettings()
    dimension: DimensionSettings = DimensionSettings()
    studies: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64), AfterValidator(_name)], StudySettings
    ] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Self:
        refuse_repeats(run=self.run)
        for name in self.run:
            if name not in self.studies:
                raise ValueError(f"run: no study {name!r}; there are {', '.join(self.studies)}")
        for name, study in self.studies.items():
            if study.licensed_by is not None and study.licensed_by not in self.studies:
                raise ValueError(
                    f"studies.{name}.licensed_by: no study {study.licensed_by!r}; there are {', '.join(self.studies)}"
                )
        return self

    def names(self) -> list[str]:
        """The studies to run."""
        return self.run or list(self.studies)

    def written(self) -> dict[str, Any]:
        """A mapping that `validate` makes this config of: of released studies without what their checkpoints decide."""
        whole = self.model_dump(mode="json")
        for study in whole["studies"].values():
            if study["released"] is None:
                del study["released"]
                continue
            for name in TRAINING:
                del study[name]
            study["pruning"] = {name: study["pruning"][name] for name in OF_MASKS}
        return whole


def validate(raw: dict[str, Any]) -> Config:
    """The config of a merged YAML mapping; every study is `defaults` overlaid with its own block.

    Between the two is the block of the study that it extends, if any. A key whose value is null in the end is as one
    that is not there, unless it is OPTIONAL.
    Raises TicketlabError with one message that names each wrong key, its value and what is allowed.
    """
    _refuse_what_no_key_takes(raw)
    merged = {key: value for key, value in raw.items() if key != "defaults"}
    defaults, studies, calibration = (_mapping(raw, name) for name in ("defaults", "studies", "calibration"))
    # So one value of a default (of a planted teacher, for instance) can be changed alone.
    merged["calibration"] = overlay(CalibrationSettings().model_dump(mode="json"), calibration)
    merged["studies"] = {
        name: _without_nulls(overlay(defaults, _extended(name, studies))) if isinstance(block, dict) else block
        for name, block in studies.items()
        if block is not None
    }
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        wrong = [_sentence(detail) for detail in error.errors()]
        more = [f"and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
        raise TicketlabError("config: " + "; ".join(wrong[:MOST_TOLD] + more)) from None


# For which null has a meaning of its own: the experiment does not run.
OPTIONAL = {name for name, field in StudySettings.model_fields.items() if type(None) in get_args(field.annotation)}


def _without_nulls(study: dict[str, Any]) -> dict[str, Any]:
    return without_nulls(study) | dict.fromkeys(key for key in OPTIONAL & study.keys() if study[key] is None)


def _extended(name: str, studies: dict[str, Any], above: tuple[str, ...] = ()) -> dict[str, Any]:
    """A study's block over that of the study it extends. Raises TicketlabError if that is no study, or is itself."""
    block, key = studies[name], f"config: studies.{name}.extends"
    base = block.get("extends")
    if base is None:
        return block
    if not isinstance(base, str) or not isinstance(studies.get(base), dict):
        raise TicketlabError(f"{key}: no study {show(base)}; there are {', '.join(studies)}")
    if base in (name, *above):
        raise TicketlabError(f"{key}: {' extends '.join([*above, name, base])}, a circle; leave one out")
    return overlay(_extended(base, studies, (*above, name)), block)


def _refuse_what_no_key_takes(raw: dict[str, Any]) -> None:
    """Raises TicketlabError for a key that is no text, and for values on which computing or printing would fail."""
    pending: list[tuple[str, Any]] = [("", raw)]
    seen = set()  # by identity: YAML can make a mapping its own part
    for where, value in pending:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise TicketlabError(f"config: {where}: a number beyond {LARGEST:.0e}")
        if isinstance(value, str) and any(category(letter) in ("Cc", "Cs") for letter in value):
            raise TicketlabError(f"config: {where}: {show(value)} has a character that is not for reading")
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if where.count(".") > DEEPEST:
            raise TicketlabError(f"config: {where}: more than {DEEPEST} mappings or lists within each other")
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                raise TicketlabError(
                    f"config: {where or 'top level'}: YAML reads the key {show(key)} as {type(key).__name__}; "
                    "a key must be text: quote it, or choose another"
                )
            pending.append((f"{where}.{_part(key)}".lstrip("."), inner))


def _mapping(raw: dict[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name, {})
    if not isinstance(value, dict):
        raise TicketlabError(f"config: {name}: must be a mapping of keys to values (it is {show(value)})")
    return value


def load(paths: Sequence[Path], overrides: dict[str, Any]) -> Config:
    """The config of these files and `overrides`. Raises TicketlabError as `files.read` and `validate` do."""
    return validate(read_all(paths, overrides))


# In the location of an error, pydantic puts the chosen member of a union after the name of the union.
UNIONS = ("task", "model", "corpus", "tokeniser", "checkpoints")


def _sentence(detail: Any) -> str:
    parts = list(detail["loc"])
    kept = [part for before, part in zip([None, *parts], parts, strict=False) if before not in UNIONS]
    message = detail["msg"].removeprefix("Value error, ")[:LONGEST]
    shown = detail["input"]
    value = "" if isinstance(shown, dict) or detail["type"] == "missing" else f" (it is {show(shown)})"
    return f"{'.'.join(map(_part, kept)) or 'top level'}: {message}{value}"


def _part(key: Any) -> str:
    """A key in a message of one line: as it could be typed, whatever text it is."""
    return str(key)[:LONGEST] if str(key).isprintable() else show(key)


def schema() -> dict:
    """JSON schema of a config file. It requires nothing: defaults and overlays may hold any part of a study."""
    full = Config.model_json_schema()
    for part in (full, *full["$defs"].values()):
        part.pop("required", None)
    full["properties"]["defaults"] = {"$ref": "#/$defs/StudySettings", "description": "the base of every study"}
    return full
