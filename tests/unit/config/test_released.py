"""A study of released checkpoints: they decide what training decides elsewhere, and what would train is refused."""

import copy
from pathlib import Path

import pytest

from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import load, validate
from workflow_scripts.ticketlab.core.errors import TicketlabError

ROOT = Path(__file__).parents[3]
RELEASED = {
    "members": [
        {"name": "lab/a", "init_seed": 0},
        {"name": "lab/b", "init_seed": 0, "data_seed": 1},
        {"path": "runs/c", "init_seed": 1},
    ],
    "steps": [0, 1, 8, 64],
}
STUDY = {
    "released": RELEASED,
    "task": {
        "kind": "tokenised_text",
        "corpus": {"kind": "source"},
        "tokeniser": {"path": "tokenizer.json"},
        "vocabulary": 304,
    },
    "model": {"kind": "huggingface", "architecture": "gpt_neox", "hidden_size": 8},
    "roles": {},
    "structure": {},
    "llc": {"checkpoints": 2},
    "judging": {"margin": 0.1},
}


def of(released=None, **changes):
    study = copy.deepcopy(STUDY) | {"released": RELEASED | (released or {})} | changes
    return validate({"defaults": {"seeds": 5, "block_size": 5, "checkpoints": 15}, "studies": {"theirs": study}})


def test_the_checkpoints_decide_seeds_blocks_steps_and_orders():
    study = of().studies["theirs"]
    assert (study.seeds, study.block_size, study.spawning.orders) == (2, 2, 1)
    assert study.recorded_steps() == [0, 1, 8, 64]
    assert of({"block_size": 1}).studies["theirs"].block_size == 1


def test_nothing_that_trains_has_a_job():
    config = of()
    values = rule_params.wildcard_values(config, "theirs")
    assert {name: values[name] for name in ("block", "split")} == {"block": [0], "split": [0]}
    assert [name for name, found in values.items() if found] == ["block", "split"]
    assert rule_params.trained(config) == []
    assert rule_params.llc_sources(config, "theirs") == ["dense"]
    assert rule_params.estimate_llc(config, "theirs", "dense")["steps"] == [0, 64]


def test_a_block_sees_the_members_of_the_blocks_before_it():
    config = of({"block_size": 1})
    sources = [
        [member["name"] or member["path"] for member in spec["released"]["members"]]
        for spec in (rule_params.import_checkpoints(config, "theirs", block) for block in (0, 1))
    ]
    assert sources == [["lab/a", "lab/b"], ["lab/a", "lab/b", "runs/c"]]


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("training", {"learning_rate": 0.1}),
        ("supermask", {"densities": [0.5]}),
        ("spawning", {"split_steps": [0]}),
        ("noise", {"batch_sizes": [4]}),
        ("forecast", {}),
    ],
)
def test_a_section_that_would_train_is_refused_in_one_sentence(section, value):
    with pytest.raises(TicketlabError, match=f"studies.theirs: .* are not trained here: leave out {section}"):
        of(**{section: value})


def test_of_pruning_only_what_concerns_masks_is_taken():
    assert of(pruning={"schedule": {"keep": 0.3}, "clock_level": 2}).studies["theirs"].pruning.rounds == 2
    with pytest.raises(TicketlabError, match=r"leave out pruning\.controls"):
        of(pruning={"schedule": {"keep": 0.3}, "clock_level": 1, "controls": ["shuffled"]})


@pytest.mark.parametrize(
    ("released", "words"),
    [
        ({"steps": [1, 2, 8]}, ["studies.theirs.released", "[1, 2, 8]", "ascend from 0"]),
        ({"steps": [0, 8, 2]}, ["studies.theirs.released", "[0, 8, 2]"]),
        ({"revision": "main"}, ["studies.theirs.released", "'main'", "{step}"]),
        ({"members": [{"init_seed": 0}]}, ["studies.theirs.released.members.0", "either name", "or path"]),
        ({"members": [{"name": "a b", "init_seed": 0}]}, ["studies.theirs.released.members.0.name", "'a b'"]),
        ({"members": RELEASED["members"][2:]}, ["studies.theirs.released", "init_seed", "[1]", "from 0"]),
        (
            {"members": [{"name": "a", "init_seed": 0}, {"name": "b", "init_seed": 0}]},
            ["studies.theirs.released", "init_seed_and_data_seed repeats"],
        ),
        (
            {"members": [{"name": "a", "init_seed": 0}, {"name": "a", "init_seed": 0, "data_seed": 1}]},
            ["studies.theirs.released", "members repeats", "'a'"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_value_and_nothing_else_is_said(released, words):
    with pytest.raises(TicketlabError) as caught:
        of(released)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "; " not in message.partition(": ")[2].replace("; there", "").replace("must hold {step}, or", "")


def test_the_config_of_the_report_can_be_run_again():
    config = of()
    assert validate(rule_params.report(config)["config"]) == config


def test_a_study_without_them_is_shown_as_before_there_were_any(shipped):
    studies = rule_params.report(validate(shipped))["config"]["studies"]
    assert [name for name, study in studies.items() if "released" in study] == []


@pytest.mark.parametrize("name", ["pythia", "stanford"])
def test_the_shipped_studies_are_of_the_released_networks_shapes(name):
    config = load([ROOT / "config.yaml", ROOT / f"config/{name}.yaml"], {})
    found = {study: config.studies[study] for study in config.studies if config.studies[study].released}
    assert found
    for study in found.values():
        assert study.licensed_by is None
        assert study.task.largest()[0] in (50304, 50257)
