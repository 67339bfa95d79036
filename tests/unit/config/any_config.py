"""Configs as people get them wrong, at random: the shipped one with a few of its places changed.

    python -m tests.unit.config.any_config 10000 1

tries this many with this seed, more than the test does, and counts what became of them.
"""

import copy
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.unit.config.test_rule_params import all_specs
from workflow_scripts.preflight import tensors
from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.files import overlay
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.calibration.all import CalibrationSettings
from workflow_scripts.ticketlab.settings.dimension import DimensionSettings

ROOT = Path(__file__).parents[3]

# Values that a key may be given by mistake, besides those of other keys.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 1000, 10**9, -(10**9), 10**30, 0.0, 1.0, 0.5, -0.5, 1e-9, 1e-300, 1e300),
    *(float("nan"), float("inf"), float("-inf"), "", " ", "~", "null", "1e-3", "1e999", "0x10", "-3", "nan", "1_0"),
    *("results/", "../x", "/", "a{b}", "a\0b", "a\nb", "\ud800", "é" * 300, "x" * 100_000, "ridge", "unigram"),
    *([], [[]], [None], [0], [0, 0], [1, [2]], ["a"], [{}], {}, {"kind": "mlp"}, {"kind": []}, {"a": {"b": [{}]}}),
    *({1: 2}, {None: None}, {True: 1}, (1, 2), {3}, b"bytes", 1j, object),
)
CHANGES = ("delete", "replace", "swap", "scale", "text", "rename", "add", "nest", "repeat")


def shipped() -> dict[str, Any]:
    """config.yaml with the sections that it leaves to their defaults."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    left = {"calibration": CalibrationSettings(), "dimension": DimensionSettings()}
    return overlay({name: section.model_dump(mode="json") for name, section in left.items()}, raw)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every (mapping or list, key or index) in nested mappings and lists."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in pairs:
        yield content, key
        yield from places(value)


def change(raw: dict[str, Any], choose: random.Random) -> str:
    """Change one place of `raw`; the kind of the change."""
    there = list(places(raw))
    holder, key = choose.choice(there)
    other, its = choose.choice(there)
    value, kind = holder[key], choose.choice(CHANGES)
    if kind == "delete":
        del holder[key]
    elif kind == "swap":
        holder[key] = copy.deepcopy(other[its])
    elif kind == "scale" and isinstance(value, int | float):
        holder[key] = value * choose.choice([-1, 0, 2, 10, 1000, 10**6, 0.5, 0.01, 1e-6])
    elif kind == "text":
        holder[key] = str(value)
    elif kind == "rename" and isinstance(holder, dict):
        holder[choose.choice([None, True, 1, 2.5, "", "on", "x y", "../x", f"{key}s", its])] = holder.pop(key)
    elif kind == "add" and isinstance(value, dict):
        value[choose.choice(["colour", its])] = copy.deepcopy(other[its])
    elif kind == "nest":
        holder[key] = choose.choice([[value], {"a": value}, [[value], value]])
    elif kind == "repeat" and isinstance(value, list):
        holder[key] = value * 2
    else:
        kind = "replace"
        holder[key] = copy.deepcopy(choose.choice(VALUES))
    return kind


def outcome(raw: dict[str, Any]) -> str:
    """`refused` in one message, or `valid`, in which case every job's spec is made too. Else AssertionError."""
    try:
        config = validate(raw)
        tensors.check(config, ROOT)
    except TicketlabError as error:
        assert re.match(r"config: [^:]+: .", str(error)) and str(error).isprintable(), str(error)
        assert len(str(error)) < 4000, str(error)
        return "refused"
    for spec in all_specs(raw).values():
        json.dumps(spec, allow_nan=False)
    for study in config.names():
        rule_params.external_files(config, study)
        json.dumps(rule_params.wildcard_values(config, study))
    return "valid"


def tried(count: int, seed: int) -> Counter[tuple[str, str]]:
    """What became of `count` configs, each with one to three changes, by the kind of the last: (kind, outcome)."""
    choose, original = random.Random(seed), shipped()
    found: Counter[tuple[str, str]] = Counter()
    for number in range(count):
        raw = copy.deepcopy(original)
        made = [change(raw, choose) for _ in range(choose.choice([1, 1, 2, 3]))]
        try:
            found[made[-1], outcome(raw)] += 1
        except Exception as error:
            raise AssertionError(f"config {number} of seed {seed}, {made}: {type(error).__name__}: {error}") from error
    return found


if __name__ == "__main__":
    for (kind, result), count in sorted(tried(*map(int, sys.argv[1:])).items()):
        print(f"{kind:8} {result:8} {count:6}")
