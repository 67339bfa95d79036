"""A study: its name, its task, its network and its device; and how it comes from the config and the data table."""

from dataclasses import dataclass, field, replace

import torch

from workflow_scripts.ticketlab import models, tasks
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.models.network import Network, check
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks.problem import Problem


@dataclass(frozen=True)
class Study:
    """What training, evaluation and every instrument are told of a study. `name` also names its random streams."""

    name: str
    problem: Problem
    model: Network
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def open_study(spec: dict, data: str) -> Study:
    """The study that `spec` (keys study, task, model, device) and its `data` table describe.

    Raises TicketlabError if its model cannot be trained in a stack.
    """
    device = pick_device(spec["device"])
    if device.type == "cpu":
        torch.set_num_threads(1)  # two threads in one small job run several times slower than one
    task = tasks.module(spec["task"]["kind"])
    facts = files.facts(data, DATA)["facts"]
    problem = task.load(files.read(data, DATA), facts, task.Settings(**spec["task"]))
    model = models.build(spec["model"], problem.inputs, problem.outputs, problem.context)
    check(model, torch.from_numpy(next(iter(problem.evaluation.values()))[0][:2]))
    return Study(spec["study"], problem, model.to(device), device)


def widened(study: Study, section: dict, width: int) -> Study:
    """The study with a network `width` times as wide as its model's `section` says."""
    problem = study.problem
    model = models.build(models.wider(section, width), problem.inputs, problem.outputs, problem.context)
    return replace(study, model=model.to(study.device))


def pick_device(name: str) -> torch.device:
    """`auto` is the GPU where there is one, else the CPU; any other name is torch's own.

    Raises TicketlabError if torch sees no GPU of that name.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= (seen := torch.cuda.device_count()):
        raise TicketlabError(
            f"device: {name} asks for a GPU, and torch {torch.__version__} sees {seen or 'none'} here; set `device` to "
            "auto or cpu, or install the build of torch that fits the GPU's driver (pytorch.org/get-started)"
        )
    return device
