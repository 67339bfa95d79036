"""Metrics of a stack of networks on a task's evaluation sets, and their rows in `metrics`."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch

from workflow_scripts.ticketlab.training import stack
from workflow_scripts.ticketlab.training.kept import density, emptied
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study

# Predictions of a network evaluated together: few enough for memory that is used again (job.keep_freed_memory), and as
# many whatever the number of networks, or sums would depend on it.
EVALUATION_CHUNK = 1024


def metric_rows(
    study: str,
    members: Sequence[Member],
    step: int,
    masks: Stack | None,
    values: dict[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Rows of the `metrics` table from evaluate's {(split, metric): (N,)}; masks: None for dense networks."""
    densities = [1.0] * len(members) if masks is None else density(masks)
    parts = [""] * len(members) if masks is None else [", ".join(names) for names in emptied(masks)]
    return pd.concat(
        pd.DataFrame(
            {
                "study": study,
                **pd.DataFrame([member.keys() for member in members]),
                "step": step,
                "density": densities,
                "emptied": parts,
                "split": split,
                "metric": metric,
                "value": column,
            }
        )
        for (split, metric), column in values.items()
    )


@torch.no_grad()
def evaluate(study: Study, weights: Stack, splits: Iterable[str] | None = None) -> dict[tuple[str, str], np.ndarray]:
    """Each metric on the fixed evaluation sets `splits`, by default all of them: {(split, metric): (N,) float64}."""
    problem, network = study.problem, stack.forward(study.model)
    count = stack.size(weights)
    results = {}
    for split in problem.evaluation if splits is None else splits:
        inputs, targets = (torch.from_numpy(part).to(study.device) for part in problem.evaluation[split])
        sums = {metric: np.zeros(count) for metric in problem.metrics}
        for part in stack.slices(len(inputs), max(1, EVALUATION_CHUNK // targets[0].numel())):
            x, y = (side[part].expand(count, *side[part].shape) for side in (inputs, targets))
            logits, _ = network(weights, x)
            for metric, function in problem.metrics.items():
                sums[metric] += torch.func.vmap(function)(logits, y).double().sum(1).cpu().numpy()
        results.update({(split, metric): total / len(inputs) for metric, total in sums.items()})
    return results
