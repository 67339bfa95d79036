"""Tasks that the networks of a study learn, one file each; docs/extending.md shows how to add one.

A task file has

- `Settings`: its section of the config, a `TaskSection` (problem.py), which says what the config may name;
- `prepare(settings, study) -> (frame, facts)`: rows of the `data` table, and facts (a JSON-like dict) for its metadata;
- `load(frame, facts, settings) -> Problem`: the task as training and the analyses see it;
- `references(problem) -> {structure: predictor}`: reference predictors for trace_structure
  (instruments/reference_distances.py);
- `slices(problem, split) -> {slice: mask}`: parts of an evaluation set on which ablation effects are measured
  (instruments/role_scores.py);
- where it has some, `components(problem) -> Components`: parts of a network's computation, for trace_structure as well.

Task files import torch inside functions, and only where needed: validation of the config and a dry run do without it.
"""

from importlib import import_module
from types import ModuleType

# Module paths rather than modules: a study's jobs load their own task's file only, and depend on no other.
TASKS = {
    "images": "workflow_scripts.ticketlab.tasks.images",
    "linear_regression": "workflow_scripts.ticketlab.tasks.linear_regression",
    "markov_chains": "workflow_scripts.ticketlab.tasks.markov_chains",
    "modular_addition": "workflow_scripts.ticketlab.tasks.modular_addition",
    "text": "workflow_scripts.ticketlab.tasks.text",
    "tokenised_text": "workflow_scripts.ticketlab.tasks.tokenised_text",
}


def module(kind: str) -> ModuleType:
    return import_module(TASKS[kind])
