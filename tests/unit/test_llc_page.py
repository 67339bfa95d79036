"""The page on one's own learning coefficient: its Python gives the answer that it says, its YAML is a valid section."""

import re
from pathlib import Path

import pytest
import yaml

from workflow_scripts.ticketlab.settings.llc import LLCSettings

PAGE = (Path(__file__).parents[2] / "docs/llc.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)[1]


def test_the_example_gives_the_known_answer():
    names = {}
    exec(block("python"), names)
    (row,) = names["table"].to_dict("records")
    assert row["flag"] == ""
    assert row["llc"] == pytest.approx(5 * 1000 / 1001, abs=4 * row["se"])
    assert row["se"] < 0.2


def test_the_section_has_the_defaults():
    assert LLCSettings(**yaml.safe_load(block("yaml"))["llc"]) == LLCSettings()
