"""Tasks: what a study's networks learn. One file each; docs/extending.md shows how one is added.

A task file has

- `Settings`: its section of the config (settings/base.py);
- `prepare(settings, study) -> (frame, facts)`: rows of the `data` table, and facts (a JSON-like dict) for its metadata;
- `load(frame, facts, settings) -> Problem`: the task as training and the analyses see it;
- `references(problem) -> {structure: predictor}`: reference predictors for trace_structure
  (instruments/reference_distances.py);
- `slices(problem, split) -> {slice: mask}`: parts of an evaluation set on which ablation effects are told apart
  (instruments/role_scores.py);
- where it has some, `components(problem) -> Components`: parts of what a network computes, for trace_structure as well.

Task files import torch inside functions only where needed: the config is validated, and a dry run made, without it.
"""

from importlib import import_module
from types import ModuleType

# Module paths rather than modules: a study's jobs load, and depend on, their own task's file only.
TASKS = {
    "images": "workflow_scripts.ticketlab.tasks.images",
    "linear_regression": "workflow_scripts.ticketlab.tasks.linear_regression",
    "markov_chains": "workflow_scripts.ticketlab.tasks.markov_chains",
    "modular_addition": "workflow_scripts.ticketlab.tasks.modular_addition",
    "text": "workflow_scripts.ticketlab.tasks.text",
}


def module(kind: str) -> ModuleType:
    return import_module(TASKS[kind])
