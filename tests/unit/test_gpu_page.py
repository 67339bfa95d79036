"""The table of docs/gpu.md on larger language models is what the formulas above it give."""

import re
from pathlib import Path

import pytest

from workflow_scripts.ticketlab.config.study import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("| network | million weights |")[2].partition("\n\n")[0].splitlines()[2:]
ROWS = {cells[0]: cells[1:] for line in TABLE for cells in [[cell.strip() for cell in line.split("|")[1:-1]]]}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_follows_from_its_sizes(name: str) -> None:
    weights, shape, *others = ROWS[name]
    layers, width, heads = map(int, shape.split(", "))
    vocabulary, context, operations, slow, fast, memory, disk = map(float, others)
    count = 1e6 * float(weights)
    symbols = 3000 * 16 * 128 if name == "language.yaml" else 20 * count
    work = 342 * 6 * count * symbols
    each = 2 * layers * (34 * width + 5 * heads * context) + 12 * vocabulary
    close = {"rel": 0.07}  # two digits
    assert operations == pytest.approx(work, **close)
    assert slow == pytest.approx(work / 6e12 / 3600, **close)
    assert fast == pytest.approx(work / 25e12 / 3600, **close)
    assert memory == pytest.approx((16 * count + 16 * context * each) / 1e9, **close)
    assert disk == pytest.approx(4 * count * 56 * 6 / 1e9, **close)


def test_the_trainings_of_a_seed_are_those_of_the_config() -> None:
    study = load([ROOT / "config.yaml", ROOT / "config/language.yaml"], {}).studies["language"]
    pruning, spawning = study.pruning, study.spawning
    controls = sum(
        len(pruning.rewinds(name)) * len(pruning.levels(name)) * (len(pruning.mask_steps) if "step" in name else 1)
        for name in pruning.all_controls()
    )
    at_rates = len(pruning.other_rates()) * (1 + 3 * len(pruning.control_levels) * len(pruning.rated_rewinds()))
    children = spawning.orders * len(spawning.split_steps) + 1 + len(spawning.controls)
    assert study.supermask
    parts = [1, pruning.rounds * len(pruning.rewind_steps), controls, at_rates, len(study.supermask.widths), children]
    said = re.search(r"\*\*Trainings\*\*: (\d+) for each seed.*?With 6 seeds (\d+)", PAGE, flags=re.DOTALL)
    assert said and parts == [1, 6, 13, 26, 2, 9]
    assert (int(said[1]), int(said[2])) == (sum(parts), study.seeds * sum(parts))
