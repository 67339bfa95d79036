"""Metrics of a stack of networks on a task's evaluation sets, and their rows in `metrics` and `examples`."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

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


def example_rows(study: str, members: Sequence[Member], step: int, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of the `examples` table from per_example's {metric: (N, examples)}."""
    keys = {"study": study, **pd.DataFrame([member.keys() for member in members]), "step": step}
    return pd.concat(pd.DataFrame({**keys, "metric": metric, "values": list(rows)}) for metric, rows in values.items())


@torch.no_grad()
def evaluate(study: Study, weights: Stack, splits: Iterable[str] | None = None) -> dict[tuple[str, str], np.ndarray]:
    """Each metric on the fixed evaluation sets `splits`, by default all of them: {(split, metric): (N,) float64}."""
    problem = study.problem
    results = {}
    for split in problem.evaluation if splits is None else splits:
        sums = {metric: np.zeros(stack.size(weights)) for metric in problem.metrics}
        for part in _chunks(study, weights, split):
            for metric, values in part.items():
                sums[metric] += values.double().sum(1).cpu().numpy()
        count = len(problem.evaluation[split][0])
        results.update({(split, metric): total / count for metric, total in sums.items()})
    return results


@torch.no_grad()
def per_example(study: Study, weights: Stack, split: str = "test") -> dict[str, np.ndarray]:
    """Each metric of each network on each example of an evaluation set: {metric: (N, examples) float32}.

    An example is what the task draws as one: an image, a pair, a sequence or a window of a text, over whose symbols the
    metric is a mean.
    """
    parts = list(_chunks(study, weights, split))
    return {metric: torch.cat([part[metric] for part in parts], 1).float().cpu().numpy() for metric in parts[0]}


def _chunks(study: Study, weights: Stack, split: str) -> Iterator[dict[str, Tensor]]:
    """{metric: (N, examples)} of an evaluation set, a chunk of its examples at a time."""
    network, count = stack.forward(study.model), stack.size(weights)
    inputs, targets = (torch.from_numpy(part).to(study.device) for part in study.problem.evaluation[split])
    for part in stack.slices(len(inputs), max(1, EVALUATION_CHUNK // targets[0].numel())):
        x, y = (side[part].expand(count, *side[part].shape) for side in (inputs, targets))
        logits, _ = network(weights, x)
        yield {metric: torch.func.vmap(function)(logits, y) for metric, function in study.problem.metrics.items()}
