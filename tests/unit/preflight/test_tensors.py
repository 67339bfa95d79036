"""A schedule names tensors that the network has and empties none, or the config is refused (preflight/tensors.py)."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.unit.example_models import SECTIONS
from workflow_scripts.preflight import tensors
from workflow_scripts.preflight.tensors import Pruned
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config.files import overlay
from workflow_scripts.ticketlab.config.study import MODELS, validate
from workflow_scripts.ticketlab.core.errors import TicketlabError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("section", SECTIONS, ids=str)
def test_without_memory_a_network_has_the_tensors_that_it_has_with_data(section: dict[str, Any]) -> None:
    network = models.build(section, 11, 11, 5)
    weights = dict(network.named_parameters())
    assert sizes(section) == {name: weights[name].numel() for name in network.prunable}


def sizes(section: dict[str, Any]) -> dict[str, int]:
    return tensors.prunable(Pruned("model", section, (11, 11, 5), MODELS[section["kind"]].READS[-1]), ROOT)


def test_the_second_time_no_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    first = sizes(SECTIONS[0])
    monkeypatch.delattr(models, "build")
    assert sizes(SECTIONS[0]) == first
    with pytest.raises(TicketlabError, match="model: no such network can be built: "):
        sizes(SECTIONS[1])


EMPTIED = [
    ("digits", {"scope": "layerwise", "keep": 0.4}, 8, "round 8 of 8 .* no weight in layers.2.weight .it has 500."),
    ("modular_addition", {"keep": 0.01}, 4, "round 3 of 4 would leave no weight in the network .it has 19520."),
    ("text", {"scope": "layerwise", "keep": 0.05}, 3, "round 3 of 3 .* blocks.0.attention.query.weight, "),
]


@pytest.mark.parametrize(("study", "schedule", "rounds", "said"), EMPTIED, ids=[row[0] for row in EMPTIED])
def test_a_schedule_that_empties_a_tensor_is_refused_with_the_round(
    shipped: dict[str, Any], study: str, schedule: dict[str, Any], rounds: int, said: str
) -> None:
    shipped["studies"][study] = overlay(
        shipped["studies"][study], {"pruning": {"rounds": rounds, "control_levels": [1], "clock_level": 1}}
    )
    shipped["studies"][study]["pruning"] |= {"schedule": schedule, "total_levels": None}
    with pytest.raises(TicketlabError, match=rf"^config: studies\.{study}\.pruning: {said}"):
        tensors.check(validate(shipped), ROOT)


def test_where_only_the_data_decide_nothing_is_refused(shipped: dict[str, Any]) -> None:
    shipped["studies"]["digits"]["task"] = {"kind": "images", "source": "npz", "path": "x.npz"}
    shipped["studies"]["digits"]["pruning"] |= {"schedule": {"scope": "layerwise", "keep": 0.37}}
    tensors.check(validate(shipped), ROOT)


def schedule(shares: dict[str, float]) -> dict[str, Any]:
    return {"scope": "layerwise", "keep": 0.8, "keep_by_tensor": shares}


def test_a_name_that_the_network_has_not_is_refused_with_those_that_it_has(shipped: dict[str, Any]) -> None:
    tensors.check(validate(shipped), ROOT)
    wrong = schedule({"layers.2.weight": 0.9, "layers.3.weight": 0.9})
    shipped["studies"]["digits"]["pruning"]["schedule"] = wrong
    with pytest.raises(
        TicketlabError,
        match=r"studies\.digits\.pruning\.schedule\.keep_by_tensor: .*'layers\.3\.weight'; it has layers\.0\.weight, ",
    ):
        tensors.check(validate(shipped), ROOT)


def test_the_calibrations_own_schedule_is_looked_at_too(shipped: dict[str, Any]) -> None:
    shipped["calibration"] = {"pruning": {"digits": {"schedule": schedule({"output": 0.9})}}}
    with pytest.raises(TicketlabError, match=r"calibration\.pruning\.digits\.schedule\.keep_by_tensor: .*'output'"):
        tensors.check(validate(shipped), ROOT)
