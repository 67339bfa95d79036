"""Networks in a file of the user's own: those of docs/extending.md are what it says, what does not fit is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests import extending
from workflow_scripts.preflight import tensors
from workflow_scripts.preflight.digest import code_parts
from workflow_scripts.preflight.tensors import Pruned
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.models.network import Network, check
from workflow_scripts.ticketlab.training import stack

ROOT = Path(__file__).parents[3]
KEYS: dict[str, dict[str, Any]] = {
    "my_cnn.py": {"class": "CNN", "channels": [3, 4]},
    "my_gru.py": {"class": "GRU", "width": 3, "hidden": 5},
}
SIZES = {"my_cnn.py": (64, 10, 1), "my_gru.py": (7, 7, 6)}
INPUTS: dict[str, Any] = {"my_cnn.py": "features", "my_gru.py": "symbols in sequence"}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _, title, body in extending.blocks("A network of your own"):
        (tmp_path / title).write_text(body)
    monkeypatch.chdir(tmp_path)


def section(file: str, **keys: Any) -> dict[str, Any]:
    return {"kind": "module", "path": file, **KEYS[file], **keys}


def drawn(file: str, seed: int = 1) -> Network:
    network = models.build(section(file), *SIZES[file])
    network.initialise(torch.Generator().manual_seed(seed))
    return network


def examples(file: str) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    inputs, _, time = SIZES[file]
    return (
        torch.randn(9, inputs, generator=random)
        if file == "my_cnn.py"
        else torch.randint(7, (9, time), generator=random)
    )


@pytest.mark.parametrize("file", KEYS)
def test_a_stack_of_the_pages_networks_does_what_each_does_whatever_its_place(file: str) -> None:
    networks, inputs = [drawn(file, seed) for seed in range(3)], examples(file)
    check(networks[0], inputs)
    weights = stack.stack([{n: t.detach() for n, t in network.named_parameters()} for network in networks])
    forward = stack.forward(networks[0])
    together, _ = forward(weights, inputs.expand(3, *inputs.shape))
    turned, _ = forward(stack.take(weights, [2, 0]), inputs.expand(2, *inputs.shape))
    assert torch.equal(turned, together[[2, 0]])
    for index, network in enumerate(networks):
        torch.testing.assert_close(together[index], network(inputs)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("file", KEYS)
def test_gates_scale_the_pages_components_between_activity_and_mean(file: str) -> None:
    network, inputs = drawn(file), examples(file)
    count = len(network.components)
    assert torch.equal(network(inputs, torch.ones(count))[0], network(inputs)[0])
    outputs, _ = network(inputs, torch.zeros(count))
    assert torch.allclose(outputs, outputs.mean(dim=0, keepdim=True), atol=1e-5)  # nothing tells examples apart


@pytest.mark.parametrize("file", KEYS)
def test_the_rows_of_the_pages_components_are_their_own(file: str) -> None:
    network, inputs = drawn(file), examples(file)
    weights, last = dict(network.named_parameters()), network.components[-1]
    before = network(inputs)[1][last.layer]
    with torch.no_grad():
        for place in network.weights_of(last).values():
            place.of(weights[place.tensor].detach()[None]).mul_(-2)
    after = network(inputs)[1][last.layer]
    first = (..., 0, slice(None)) if file == "my_gru.py" else (...,)  # later states depend on all units of earlier ones
    changed = (before[first] - after[first]).abs().flatten(0, -2).amax(0) > 1e-6
    assert changed.nonzero().flatten().tolist() == [last.index]


@pytest.mark.parametrize("file", KEYS)
def test_wider_networks_have_the_keys_of_the_class_multiplied(file: str) -> None:
    wide = models.wider(section(file), 2)
    assert {key: wide[key] for key in KEYS[file] if key != "class"} == {
        key: [2 * width for width in value] if isinstance(value, list) else 2 * value
        for key, value in KEYS[file].items()
        if key != "class"
    }


@pytest.mark.parametrize("file", KEYS)
def test_before_the_first_job_the_pages_networks_run_on_their_tasks(file: str) -> None:
    network = drawn(file)
    found = tensors.prunable(Pruned("studies.own.model", section(file), SIZES[file], INPUTS[file]), ROOT)
    assert found == {name: dict(network.named_parameters())[name].numel() for name in network.prunable}


def replaced(file: str, old: str, new: str) -> None:
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))


# The file, a change of it, keys, inputs, and what the message must say.
REFUSED: dict[str, tuple[str, tuple[str, str], dict[str, Any], str, str]] = {
    "another task": (
        "my_gru.py",
        ("", ""),
        {},
        "features",
        "it reads symbols in sequence, and the task gives features$",
    ),
    "library's own": (
        "my_gru.py",
        ("self.state = nn.Linear(", "self.state = nn.GRU("),
        {},
        "symbols in sequence",
        r"cannot run on symbols in sequence \(2, 6\): Batching rule not implemented for aten::gru",
    ),
    "outputs": (
        "my_cnn.py",
        ("nn.Linear(channels[-1], outputs)", "nn.Linear(channels[-1], 3)"),
        {},
        "features",
        r"makes outputs \(2, 3\), not \(2, 10\)",
    ),
    "another key": ("my_cnn.py", ("", ""), {"chanels": 3}, "features", "unexpected keyword argument 'chanels'"),
    "no class": ("my_cnn.py", ("", ""), {"class": "Net"}, "features", "there is no class 'Net'; correct model.class"),
    "no network": ("my_cnn.py", ("CNN(Network)", "CNN(nn.Module)"), {}, "features", "does not inherit from Network"),
    "no inputs": ("my_cnn.py", ('reads = ("features",)', ""), {}, "features", "reads names nothing; say which of"),
    "an error": ("my_cnn.py", ("import math", "import maths"), {}, "features", "No module named 'maths'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_the_first_job(name: str) -> None:
    file, (old, new), keys, inputs, said = REFUSED[name]
    replaced(file, old, new)
    network = Pruned("studies.own.model", section(file, **keys), SIZES[file], inputs)  # type: ignore[arg-type]
    with pytest.raises(TicketlabError, match=f"^config: studies.own.model: .*{said}"):
        tensors.prunable(network, ROOT)


def test_an_edit_of_the_file_is_another_code_and_a_comment_is_none() -> None:
    def code() -> dict[str, str]:
        return code_parts(Path("my_gru.py").absolute(), root=ROOT)

    first = code()
    assert "my_gru.py" in first and "workflow_scripts/ticketlab/models/network.py" in first
    replaced("my_gru.py", "given = self.input", "# a remark\n        given = self.input")
    assert code() == first
    replaced("my_gru.py", "torch.tanh(", "torch.sigmoid(")
    assert {name for name, part in code().items() if part != first[name]} == {"my_gru.py"}
