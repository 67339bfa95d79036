"""Released networks: found in folders and on a hub, read as they are, and refused before they cost hours."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers.utils.hub import constants

from tests.unit.training.series_of_checkpoints import LAST, MODEL, STEPS, TIME, VOCABULARY, Hub, network, save, serving
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.released import ReleasedSettings
from workflow_scripts.ticketlab.tasks.problem import Problem, cross_entropy, error_rate
from workflow_scripts.ticketlab.training import released, weight_files
from workflow_scripts.ticketlab.training.evaluation import evaluate
from workflow_scripts.ticketlab.training.stack import Member
from workflow_scripts.ticketlab.training.study import Study

ROOT = Path(__file__).parents[3]
PIECE = 512  # bytes that the client writes at once: a tiny network is less than its usual piece


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two runs from one initialisation, a and b, and one from another, c, which is stored in half precision."""
    root = tmp_path_factory.mktemp("hub") / "lab"
    for name, init, order in (("a", 0, 0), ("b", 0, 1), ("c", 1, 0)):
        save(root / name, init, order, half=name == "c")
    return root


@pytest.fixture(scope="module")
def study() -> Study:
    random = np.random.default_rng(0)
    tokens = random.integers(VOCABULARY, size=(10, TIME + 1))
    problem = Problem(
        inputs=VOCABULARY,
        outputs=VOCABULARY,
        context=TIME,
        sample=lambda random, size: (tokens[:size, :-1], tokens[:size, 1:]),
        evaluation={"test": (tokens[:, :-1], tokens[:, 1:])},
        metrics={"loss": cross_entropy, "error": error_rate},
        extras={},
    )
    return Study("released", problem, models.build(dict(MODEL), VOCABULARY, VOCABULARY, TIME))


def of_folders(*paths: Path, seeds=(0, 0, 1), steps=STEPS) -> ReleasedSettings:
    members = [
        {"path": str(path), "init_seed": seed, "data_seed": place}
        for place, (path, seed) in enumerate(zip(paths, seeds, strict=False))
    ]
    return ReleasedSettings(members=members, steps=steps)


def read(study: Study, settings: ReleasedSettings):
    """All that the job reads, in its order: the states of the dense networks, families of siblings, rows."""
    found = released.runs(settings, settings.init_seeds())
    released.check_all(study, found, settings)
    dense = [run for run in found if run.member.variant == "dense"]
    rows = [released.read_into(None, 0, run, settings, 0, study.model) for run in found if run not in dense]
    states = []
    for state in released.states(study, dense, settings, rows):
        if state.step == 0:
            released.checked_starts(rows)
        states.append(replace(state, weights={name: tensor.clone() for name, tensor in state.weights.items()}))
    families = list(released.families(study, found, settings, states[-1], rows))
    released.checked_series(rows, settings.steps[-1])
    return states, families, rows


def test_a_released_network_has_the_loss_that_its_own_library_computes(study, folder):
    states, _, _ = read(study, of_folders(folder / "a", folder / "c", seeds=(0, 1)))
    inputs, targets = map(torch.from_numpy, study.problem.evaluation["test"])
    for row, name in enumerate("ac"):
        from transformers import AutoModelForCausalLM

        alone = AutoModelForCausalLM.from_pretrained(folder / name / f"step{LAST}", dtype=torch.float32).eval()
        loss = F.cross_entropy(alone(input_ids=inputs).logits.flatten(0, 1), targets.flatten()).item()
        assert evaluate(study, states[-1].weights)["test", "loss"][row] == pytest.approx(loss, rel=1e-5)


def test_the_first_run_of_an_initialisation_is_dense_and_the_others_are_its_siblings(study, folder):
    settings = of_folders(folder / "a", folder / "b", folder / "c")
    states, families, _ = read(study, settings)
    assert [state.step for state in states] == STEPS
    assert [len(state.weights["decoder.lm_head.weight"]) for state in states] == [2] * len(STEPS)
    assert [members for members, _ in families] == [
        [Member(0, 0, "spawned"), Member(0, 1000, "spawned")],
        [Member(1, 1, "spawned")],
    ]
    replicate, sibling = families[0][1].weights["decoder.lm_head.weight"]
    assert torch.equal(replicate, states[-1].weights["decoder.lm_head.weight"][0])
    assert not torch.equal(replicate, sibling)


def test_equal_steps_and_half_precision_are_said(study, folder, caplog):
    _, _, rows = read(study, of_folders(folder / "a", folder / "b", folder / "c"))
    said = caplog.text
    assert "steps 0 and 1 hold the same weights" in said
    assert "stored in half precision (float16)" in said
    assert {row["stored"] for row in rows if row["source"].endswith("a")} == {"float32"}


def test_two_names_for_one_network_are_refused(study, folder, tmp_path):
    shutil.copytree(folder / "a", tmp_path / "again")
    with pytest.raises(TicketlabError, match="one network under two names at step 4"):
        read(study, of_folders(folder / "a", tmp_path / "again"))


@pytest.mark.parametrize(
    ("names", "seeds", "words"), [("ab", (0, 1), "give them one init_seed"), ("ac", (0, 0), "give them two init_seeds")]
)
def test_initialisations_are_what_the_config_says_or_the_run_ends(study, folder, names, seeds, words):
    with pytest.raises(TicketlabError, match=words):
        read(study, of_folders(*(folder / name for name in names), seeds=seeds))


def test_a_series_that_is_one_checkpoint_is_refused(study, folder, tmp_path):
    for step in STEPS:
        shutil.copytree(folder / "a/step4", tmp_path / f"same/step{step}")
    with pytest.raises(TicketlabError, match="steps 0 and 4 hold the same weights: this is no series"):
        read(study, of_folders(tmp_path / "same"))


def test_a_missing_step_is_found_before_any_weights_are_read(study, folder, monkeypatch):
    monkeypatch.setattr(released, "open_checkpoint", lambda *about: pytest.fail("read"))
    with pytest.raises(TicketlabError, match="no folder step3 in it; take step 3 out"):
        read(study, of_folders(folder / "a", steps=[0, 1, 3, 4]))


def copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder / "a", to / "copy"))


def test_folders_may_have_the_names_that_trainers_give(study, folder, tmp_path):
    changed = copy(folder, tmp_path)
    for step in STEPS:
        (changed / f"step{step}").rename(changed / f"checkpoint-{step}")
    states, _, _ = read(study, of_folders(changed))
    assert len(states) == len(STEPS)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("num_attention_heads", 4, "num_attention_heads 4, not 2"),
        ("use_parallel_residual", False, "use_parallel_residual False, not True"),
        ("rotary_pct", 1.0, "rope_parameters"),
        ("model_type", "gpt2", "model_type 'gpt2', not 'gpt_neox'"),
    ],
)
def test_a_network_that_computes_something_else_is_refused_by_its_config(study, folder, tmp_path, key, value, words):
    changed = copy(folder, tmp_path)
    path = changed / "step2/config.json"
    keys = {name: kept for name, kept in json.loads(path.read_text()).items() if name != "rope_parameters"}
    path.write_text(json.dumps(keys | {"rotary_pct": 0.25, key: value}))
    with pytest.raises(TicketlabError, match=words):
        read(study, of_folders(changed))


def rewrite(path: Path, change) -> None:
    """The weights of a checkpoint after `change` of its state dict, in torch's own format."""
    checkpoint = weight_files.open_files([path])
    state = {name: checkpoint.tensor(name) for name in checkpoint.names()}
    path.unlink()
    torch.save(change(state), path.with_name("pytorch_model.bin"))


def test_files_of_torch_are_read_and_their_masks_and_tables_left(study, folder, tmp_path):
    changed, minus = copy(folder, tmp_path), torch.tensor(float("-inf"))
    masks = {"gpt_neox.layers.0.attention.masked_bias": minus, "gpt_neox.layers.0.attention.bias": torch.ones(2, 2)}
    for step in STEPS:
        rewrite(changed / f"step{step}/model.safetensors", lambda state: state | masks)
    _, _, rows = read(study, of_folders(changed))
    _, _, before = read(study, of_folders(folder / "a"))
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in before]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state | {"embed_out.weight": state["embed_out.weight"] * float("nan")}, "not finite"),
        (lambda state: state | {"embed_out.weight": torch.zeros(VOCABULARY + 8, 8)}, "set task.vocabulary"),
        (lambda state: {name: state[name] for name in state if "embed_out" not in name}, "no weight lm_head.weight"),
        (lambda state: state | {"adapter.weight": torch.ones(3)}, "adapter.weight is in it"),
    ],
)
def test_weights_of_another_network_are_refused(study, folder, tmp_path, change, words):
    changed = copy(folder, tmp_path)
    rewrite(changed / "step2/model.safetensors", change)
    with pytest.raises(TicketlabError, match=words):
        read(study, of_folders(changed))


class Rogue:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_file_of_torch_runs_no_code(study, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = copy(folder, tmp_path)
    rewrite(changed / "step0/model.safetensors", lambda state: state | {"x": Rogue()})
    with pytest.raises(TicketlabError, match="no whole file of tensors"):
        read(study, of_folders(changed))
    assert not Path("ran").exists()


@pytest.mark.parametrize("left", [4, 100, -1])
def test_a_file_that_is_cut_is_refused(study, folder, tmp_path, left):
    path = copy(folder, tmp_path) / "step1/model.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(TicketlabError, match="no whole safetensors file"):
        read(study, of_folders(path.parents[1]))


def test_parts_of_a_checkpoint_are_read_by_their_index(study, folder, tmp_path):
    changed = copy(folder, tmp_path)
    whole = changed / "step4"
    network(0).from_pretrained(whole).save_pretrained(tmp_path / "parts", max_shard_size="1KB")
    shutil.rmtree(whole)
    (tmp_path / "parts").rename(whole)
    assert len(list(whole.glob("*.safetensors"))) > 1
    _, _, rows = read(study, of_folders(changed))
    _, _, before = read(study, of_folders(folder / "a"))
    assert rows[-1]["sha256"] == before[-1]["sha256"]


def test_a_stack_that_does_not_fit_is_refused_with_what_it_needs(study):
    released.check_memory(study, 2, here=2**30)
    with pytest.raises(TicketlabError, match=r"2 networks of .* million weights need about .* GiB in one job"):
        released.check_memory(study, 2, here=2**10)


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """The same runs on a hub, as lab/a, lab/b and lab/c, and a cache of this test's own for its client."""
    with serving(folder.parent) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


def of_hub(*names: str, seeds=(0, 0, 1), steps=STEPS) -> ReleasedSettings:
    members = [
        {"name": f"lab/{name}", "init_seed": seed, "data_seed": place}
        for place, (name, seed) in enumerate(zip(names, seeds, strict=False))
    ]
    return ReleasedSettings(members=members, steps=steps)


def test_revisions_of_a_hub_are_what_folders_are(study, folder, hub: Hub):
    _, _, rows = read(study, of_hub("a", "b", "c"))
    _, _, local = read(study, of_folders(folder / "a", folder / "b", folder / "c"))
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in local]
    sent = len(hub.sent)
    read(study, of_hub("a", "b", "c"))
    assert len(hub.sent) == sent, "what is in the cache is not sent again"


def test_a_missing_revision_is_named_before_any_weights_are_sent(study, hub: Hub):
    with pytest.raises(TicketlabError, match=r"lab/a, revision step3: config\.json cannot be had"):
        read(study, of_hub("a", steps=[0, 1, 3, 4]))
    assert [file for file in hub.sent if file.endswith("safetensors")] == []


def test_a_download_that_breaks_off_is_resumed_where_it_broke(study, folder, hub: Hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", PIECE)
    hub.broken.add("model.safetensors")
    _, _, rows = read(study, of_hub("a"))
    half = (folder / "a/step0/model.safetensors").stat().st_size // 2
    assert hub.ranges == [f"bytes={half // PIECE * PIECE}-"]
    assert rows[-1]["sha256"] == read(study, of_folders(folder / "a"))[2][-1]["sha256"]


def test_a_download_that_was_altered_is_deleted_and_had_again(study, hub: Hub):
    hub.altered.add("model.safetensors")
    with pytest.raises(TicketlabError, match="came damaged and was deleted; run again"):
        read(study, of_hub("a"))
    hub.altered.clear()
    read(study, of_hub("a"))


def test_the_hub_is_the_one_that_the_environment_names(folder, tmp_path):
    """In a process of its own, since the client looks at it as it is loaded."""
    code = (
        "from workflow_scripts.ticketlab.training.released import _from_hub\n"
        "print(_from_hub('lab/a', 'step2', 'config.json').read_text())"
    )
    with serving(folder.parent) as server:
        environment = os.environ | {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)["model_type"] == "gpt_neox"
    assert hub_files(tmp_path) == {"config.json"}


def hub_files(home: Path) -> set[str]:
    return {path.name for path in home.glob("hub/models--lab--a/snapshots/*/*")}
