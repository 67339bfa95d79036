"""A check, before the first job, that `keep_by_tensor` names tensors of the model.

The names follow from a model's section alone, independent of the data's sizes, but only the network itself knows them.
So it is built once for each section and version of its code. The answer is stored in Snakemake's folder, since torch
takes seconds to load and every command needs the answer.
"""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from workflow_scripts.preflight.digest import code_parts
from workflow_scripts.preflight.parts import FOLDER
from workflow_scripts.ticketlab import models
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.settings.schedule import ScheduleSettings


def check(config: Config, root: Path) -> None:
    """root: the folder that holds `workflow_scripts`.

    Raises TicketlabError that names the key, its value and the allowed names.
    """
    for key, model, schedule in _schedules(config):
        names = prunable(model, root) if schedule.keep_by_tensor else []
        unknown = [name for name in schedule.keep_by_tensor if name not in names]
        if unknown:
            raise TicketlabError(
                f"config: {key}.keep_by_tensor: the model has no prunable tensor {', '.join(map(repr, unknown))}; "
                f"it has {', '.join(names)}"
            )


def _schedules(config: Config) -> Iterator[tuple[str, dict[str, Any], ScheduleSettings]]:
    """Each schedule of pruning with its key and the model section of the network that it prunes."""
    for name, study in config.studies.items():
        model = study.model.model_dump(mode="json")
        yield f"studies.{name}.pruning.schedule", model, study.pruning.schedule
    digits = config.calibration.pruning.digits
    yield "calibration.pruning.digits.schedule", {"kind": "mlp", "hidden": digits.hidden}, digits.schedule


def prunable(model: dict[str, Any], root: Path) -> list[str]:
    """The tensors that pruning may touch in the network of this model section."""
    module = models.MODELS[model["kind"]]
    code = code_parts(f"{module.replace('.', '/')}.py", root=root)
    path = FOLDER / f"tensors-{sha256(json.dumps([model, code]).encode()).hexdigest()[:16]}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        names = list(models.build(model, inputs=2, outputs=2, context=2).prunable)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(names))
    os.replace(temporary, path)
    return names
