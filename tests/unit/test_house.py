"""The house: wings that import downwards, few arrows between them, and no judgement behind a job that trains
networks."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from workflow_scripts.preflight.digest import code_parts
from workflow_scripts.ticketlab.calibration.registry import CALIBRATIONS
from workflow_scripts.ticketlab.models import MODELS
from workflow_scripts.ticketlab.report.figures.registry import FIGURES
from workflow_scripts.ticketlab.tasks import TASKS

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "workflow_scripts/ticketlab"

# From the roof down. A wing imports lower floors and itself.
FLOORS = (
    ("calibration", "report"),
    ("experiments", "verdicts"),
    ("pruning", "instruments"),
    ("training", "config"),
    ("models", "tasks", "tables"),
    ("core", "settings"),
)
FLOOR = {wing: len(FLOORS) - place for place, wings in enumerate(FLOORS) for wing in wings}
# Wings of one floor that may import each other, one way: (importer, imported).
ACROSS: frozenset[tuple[str, str]] = frozenset()
MOST_ARROWS = 45

# Scripts of the jobs that train networks, or fetch them, which take hours to repeat.
TRAINERS = (
    "train_dense",
    "import_checkpoints",
    "imp_round",
    "train_controls",
    "train_rates",
    "sweep_rates",
    "find_supermask",
    "train_spawned",
    "vary_noise",
    "resample_weights",
    "develop_tickets",
    "measure_deep_linear",
)
# What decides, or tests an instrument. An edit of it must not make a trained network stale.
JUDGEMENTS = (
    "workflow_scripts/ticketlab/verdicts/*",
    "workflow_scripts/ticketlab/core/statistics.py",
    "workflow_scripts/ticketlab/core/readings.py",
    "workflow_scripts/ticketlab/instruments/determinacy.py",
    "workflow_scripts/ticketlab/experiments/*predictions.py",
    "workflow_scripts/ticketlab/experiments/*summary.py",
    "workflow_scripts/ticketlab/settings/judging.py",
    "workflow_scripts/ticketlab/settings/calibration/*",
    "workflow_scripts/ticketlab/calibration/*",
    "workflow_scripts/ticketlab/report/*",
)
# Known leaks: script to the judgements that it reaches. None may be added.
LEAKS: dict[str, set[str]] = {}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(LIBRARY.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """The modules of the library that a file imports, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def wing(module: str) -> str:
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else ""


IMPORTS = {module: set(imported(path)) - {module} for module, path in MODULES.items()}
ARROWS = {
    (wing(module), wing(other)): (module, other)
    for module, others in IMPORTS.items()
    for other in others
    if wing(module) != wing(other)
}


def test_every_module_is_in_a_wing():
    assert {wing(module) for module in MODULES} == {"", *FLOOR}
    assert [path for path in LIBRARY.glob("*.py") if path.name != "__init__.py"] == []


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_wing_imports_lower_floors_only():
    wrong = {
        pair: example
        for pair, example in ARROWS.items()
        if FLOOR[pair[0]] < FLOOR[pair[1]] or (FLOOR[pair[0]] == FLOOR[pair[1]] and pair not in ACROSS)
    }
    assert wrong == {}
    assert set(ARROWS) >= ACROSS, "no longer needed"


def test_there_are_few_arrows_between_wings():
    assert len(ARROWS) <= MOST_ARROWS


def registers(tree: ast.Module) -> bool:
    """Whether this `__init__.py` is one of the two registries in which a config's names are looked up."""
    return any(isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) for node in tree.body)


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_holds_a_docstring_and_nothing_else(path):
    """Importing a.b.c runs a and a.b: what they hold would be in every digest below."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1 or (path.parent.name in ("models", "tasks") and registers(tree))


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in LIBRARY.rglob("*.py")} | {ROOT / "workflow_scripts/preflight"}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def judgements(script: str) -> set[str]:
    """What a script reaches that decides, whatever study it works for."""
    modules = [*TASKS.values(), *MODELS.values()]
    parts = code_parts(ROOT / f"workflow_scripts/{script}.py", *modules, root=ROOT)
    packages = {part for part in parts if part.endswith("__init__.py")}
    return {part for part in parts for pattern in JUDGEMENTS if fnmatch(part, pattern)} - packages


@pytest.mark.parametrize("script", TRAINERS)
def test_a_job_that_trains_networks_reaches_no_judgement(script):
    assert judgements(script) == LEAKS.get(script, set())


def test_a_judgement_is_found_where_there_is_one():
    assert "workflow_scripts/ticketlab/verdicts/judge.py" in judgements("judge")
    assert "workflow_scripts/ticketlab/core/statistics.py" in judgements("summarise")


def test_every_script_that_trains_is_listed():
    """By what it imports: the training loop itself, or a module of an experiment that calls it."""
    loop = "workflow_scripts/ticketlab/training/train.py"
    trains = {
        path.stem
        for path in (ROOT / "workflow_scripts").glob("*.py")
        if path.stem != "__init__" and loop in code_parts(path, root=ROOT)
    }
    looks = {
        *(
            "trace_mask_overlap",
            "estimate_llc",
            "forecast_roles",
            "measure_barriers",
            "score_roles",
        ),
        *("sweep_llc", "trace_structure", "trace_released_masks", "measure_compression"),
    }  # at networks that are trained already: checkpoints.py reads states of training
    assert trains - looks <= set(TRAINERS) and looks <= trains


@pytest.mark.parametrize("module", [*CALIBRATIONS.values(), *FIGURES.values(), *TASKS.values(), *MODELS.values()])
def test_what_a_registry_names_is_there(module):
    assert module in MODULES


def test_a_figure_and_a_calibration_depend_on_their_own_module_only():
    """The registries leave the digest alone, so that an edit of one figure draws that one again."""
    draw = ROOT / "workflow_scripts/draw.py"
    clock = code_parts(draw, FIGURES["clock"], root=ROOT)
    assert "workflow_scripts/ticketlab/report/figures/clock.py" in clock
    assert "workflow_scripts/ticketlab/report/figures/noise.py" not in clock
    calibrate = ROOT / "workflow_scripts/calibrate.py"
    llc = code_parts(calibrate, CALIBRATIONS["llc"], root=ROOT)
    assert "workflow_scripts/ticketlab/calibration/llc.py" in llc
    assert "workflow_scripts/ticketlab/calibration/roles.py" not in llc
