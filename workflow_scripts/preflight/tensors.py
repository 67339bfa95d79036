"""A check, before the first job, that each pruning schedule fits its network: it names tensors that are there, and
leaves weights in all of them.

Only the network itself knows its tensors. So it is built once for each section, data size and version of its code, on
torch's meta device, which has shapes and no memory. The answer is stored in Snakemake's folder, since torch takes
seconds to load and every command needs the answer.
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
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings
from workflow_scripts.ticketlab.tasks import images


class Pruned(NamedTuple):
    """A network that is pruned: its key in the config, its section, and inputs, outputs and context, each at most."""

    key: str
    model: dict[str, Any]
    data: tuple[int, int, int]


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
        network = Pruned(f"{key}.model", study.model.model_dump(mode="json"), data)
        yield network, f"{key}.pruning", study.pruning.schedule, study.pruning.rounds
    digits = config.calibration.pruning.digits
    key = "calibration.pruning.digits"
    network = Pruned(key, {"kind": "mlp", "hidden": digits.hidden}, images.Settings(kind="images").largest())
    yield network, key, digits.schedule, digits.rounds


def prunable(network: Pruned, root: Path) -> dict[str, int]:
    """The tensors that pruning may touch, with their numbers of elements.

    Raises TicketlabError if the network cannot be built.
    """
    module = models.MODELS[network.model["kind"]]
    code = code_parts(f"{module.replace('.', '/')}.py", root=root)
    identity = json.dumps([network.model, network.data, code]).encode()
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
    tensors = dict(built.named_parameters())
    return {name: tensors[name].numel() for name in built.prunable}
