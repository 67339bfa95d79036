"""A check, before the first job, that each network reads its task and can be stacked, and that its pruning schedule
names tensors that are there and leaves weights in all of them.

Only the network itself knows its tensors. So it is built once for each section, data size and version of its code, on
torch's meta device, which has shapes and no memory, and a stack of two is run on two examples. The answer is stored in
Snakemake's folder, since torch takes seconds to load and every command needs the answer.
"""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from workflow_scripts.preflight.digest import code_parts
from workflow_scripts.preflight.parts import FOLDER
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.base import Inputs
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.tasks import images
from workflow_scripts.ticketlab.tasks.problem import UNBOUNDED


class Pruned(NamedTuple):
    """A network that is pruned: its key in the config, its section, inputs, outputs and context, each at most, and the
    kind of its inputs."""

    key: str
    model: dict[str, Any]
    data: tuple[int, int, int]
    inputs: Inputs


def check(config: Config, root: Path) -> None:
    """root: the folder that holds `workflow_scripts`.

    Raises TicketlabError that names the key, its value and what is allowed.
    """
    for network, key, schedule, rounds in _schedules(config):
        sizes = prunable(network, root)
        unknown = [name for name in schedule.keep_by_tensor if name not in sizes]
        if unknown:
            raise TicketlabError(
                f"config: {key}.schedule.keep_by_tensor: the model has no prunable tensor "
                f"{', '.join(map(repr, unknown))}; it has {', '.join(sizes)}"
            )
        for level in range(1, rounds + 1):
            counts = schedule.counts(sizes, level)
            emptied = [name for name, count in counts.items() if not count] if isinstance(counts, dict) else []
            if emptied or not counts:
                raise TicketlabError(
                    f"config: {key}: round {level} of {rounds} would leave no weight in "
                    f"{', '.join(emptied) or 'the network'} (it has {sum(sizes[name] for name in emptied or sizes)}); "
                    f"lower {key}.rounds or raise {key}.schedule.keep"
                )


def _schedules(config: Config) -> Iterator[tuple[Pruned, str, ScheduleSettings, int]]:
    """Each schedule of pruning: the network that it prunes, its section's key, itself and its number of rounds."""
    for name, study in config.studies.items():
        key, data = f"studies.{name}", study.task.largest()
        network = Pruned(f"{key}.model", study.model.model_dump(mode="json"), data, study.task.INPUTS)
        yield network, f"{key}.pruning", study.pruning.schedule, study.pruning.rounds
    digits = config.calibration.pruning.digits
    key = "calibration.pruning.digits"
    network = Pruned(
        key, {"kind": "mlp", "hidden": digits.hidden}, images.Settings(kind="images").largest(), "features"
    )
    yield network, key, digits.schedule, digits.rounds


def prunable(network: Pruned, root: Path) -> dict[str, int]:
    """The tensors that pruning may touch, with their numbers of elements.

    Raises TicketlabError if the network cannot be built, or a stack of it cannot run on the task's examples.
    """
    module = models.MODELS[network.model["kind"]]
    code = code_parts(f"{module.replace('.', '/')}.py", root=root)
    if network.model["kind"] == "module":
        code |= code_parts(Path(network.model["path"]).absolute(), root=root)
    identity = json.dumps([network.model, network.data, network.inputs, code]).encode()
    path = FOLDER / f"tensors-{sha256(identity).hexdigest()[:16]}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        sizes = _sizes(network)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(sizes))
    os.replace(temporary, path)
    return sizes


def _sizes(network: Pruned) -> dict[str, int]:
    import torch

    try:
        with torch.device("meta"):
            built = models.build(network.model, *network.data)
    except Exception as error:  # of the model's own code, whatever it is
        reason = " ".join(str(error).split())
        raise TicketlabError(f"config: {network.key}: no such network can be built: {reason}") from error
    if built.reads and network.inputs not in built.reads:
        raise TicketlabError(
            f"config: {network.key}: it reads {' or '.join(built.reads)}, and the task gives {network.inputs}"
        )
    if UNBOUNDED not in network.data:  # else only the data tell the shape of an example
        _run(network, built)
    tensors = dict(built.named_parameters())
    return {name: tensors[name].numel() for name in built.prunable}


def _run(network: Pruned, built: Any) -> None:
    """Run a stack of two networks, with gates, on two examples of the task: without memory for the weights.

    On torch's meta device, where the network runs there, backwards too; else with all weights 0.
    Raises TicketlabError if it fails or its outputs have another shape than the task's.
    """
    import torch

    from workflow_scripts.ticketlab.training import stack

    inputs, outputs, context = network.data
    shape, time = {
        "features": ((inputs,), ()),
        "symbols": ((2,), ()),
        "features in sequence": ((context, inputs), (context,)),
        "symbols in sequence": ((context,), (context,)),
    }[network.inputs]
    kind = torch.float32 if network.inputs.startswith("features") else torch.int64
    given = f"{network.inputs} {(2, *shape)}"
    if not built.without_numbers:
        built = models.build(network.model, *network.data)
    try:
        with torch.device("meta" if built.without_numbers else "cpu"):
            zero = torch.zeros((), requires_grad=built.without_numbers)
            weights = {name: zero.expand(2, *tensor.shape) for name, tensor in built.named_parameters()}
            examples, gates = torch.zeros(2, 2, *shape, dtype=kind), torch.ones(2, len(built.components))
            logits, _ = stack.forward(built)(weights, examples, gates)
            if built.without_numbers:
                logits.sum().backward()
    except Exception as error:  # of the model's own code, whatever it is
        reason = " ".join(str(error).split())[:500]
        raise TicketlabError(f"config: {network.key}: a stack of it cannot run on {given}: {reason}") from error
    if logits.shape != (2, 2, *time, outputs):
        raise TicketlabError(
            f"config: {network.key}: from {given} it makes outputs {tuple(logits.shape[1:])}, not {(2, *time, outputs)}"
        )
