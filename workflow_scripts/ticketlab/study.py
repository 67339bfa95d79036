"""A study as a script needs it: its task, its network and its device, from the config section and the data table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab import models, tables, tasks
from workflow_scripts.ticketlab.contracts.data import DATA
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.stack import Member, pick_device
from workflow_scripts.ticketlab.tasks import Problem


@dataclass(frozen=True)
class Study:
    name: str
    problem: Problem
    model: Network
    device: torch.device


def open_study(spec: dict, data: str) -> Study:
    """The study that `spec` (keys study, task, model, device) and its `data` table describe."""
    device = pick_device(spec["device"])
    if device.type == "cpu":
        torch.set_num_threads(1)  # two threads in one small job run several times slower than one
    task = tasks.module(spec["task"]["kind"])
    facts = tables.facts(data, DATA)["facts"]
    problem = task.load(tables.read(data, DATA), facts, task.Settings(**spec["task"]))
    model = models.build(spec["model"], problem.inputs, problem.outputs, problem.context).to(device)
    return Study(spec["study"], problem, model, device)


def metric_rows(
    study: str,
    members: Sequence[Member],
    step: int,
    densities: Iterable[float],
    values: dict[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Rows of the `metrics` table from training.evaluate's {(split, metric): (N,)}."""
    members, densities = list(members), list(densities)
    return pd.concat(
        pd.DataFrame(
            {
                "study": study,
                **pd.DataFrame([member.keys() for member in members]),
                "step": step,
                "density": densities,
                "split": split,
                "metric": metric,
                "value": column,
            }
        )
        for (split, metric), column in values.items()
    )
