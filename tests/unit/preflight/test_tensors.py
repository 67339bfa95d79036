"""A tensor that `keep_by_tensor` names is in the network, or the config is refused (preflight/tensors.py)."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.unit.example_models import SECTIONS
from workflow_scripts.preflight import tensors
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.core.errors import TicketlabError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("section", SECTIONS, ids=str)
@pytest.mark.parametrize("sizes", [(7, 11, 5), (64, 10, 32)])
def test_the_names_of_tensors_do_not_depend_on_the_datas_sizes(
    section: dict[str, Any], sizes: tuple[int, int, int]
) -> None:
    assert tensors.prunable(section, ROOT) == models.build(section, *sizes).prunable


def test_the_second_time_no_network_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    first = tensors.prunable(SECTIONS[0], ROOT)
    monkeypatch.delattr(models, "build")
    assert tensors.prunable(SECTIONS[0], ROOT) == first
    with pytest.raises(AttributeError):
        tensors.prunable(SECTIONS[1], ROOT)


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
