"""Networks that were trained elsewhere, as stacks: found, checked and read from their checkpoints.

A checkpoint is a folder with config.json and weights (training/weight_files.py): a local one, or a revision of a model
on the Hugging Face hub, which the hub's own client fetches into its cache, resumes and reuses. Nothing from the hub is
run. Every checkpoint of a study must be there before the first is read.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import torch

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown
from workflow_scripts.ticketlab.core.random_streams import data_seed
from workflow_scripts.ticketlab.models.network import Network
from workflow_scripts.ticketlab.settings.released import STEP, ReleasedMember, ReleasedSettings
from workflow_scripts.ticketlab.training.evaluation import EVALUATION_CHUNK
from workflow_scripts.ticketlab.training.stack import Member, Stack
from workflow_scripts.ticketlab.training.study import Study
from workflow_scripts.ticketlab.training.train import State
from workflow_scripts.ticketlab.training.weight_files import HALF, INDEX, WHOLE, Checkpoint, open_files

log = logging.getLogger(__name__)

CONFIG = "config.json"
LOCAL = ("step{step}", "checkpoint-{step}")  # names of folders that are tried after `revision`
# Tensors that are no weights: masks and tables that the library makes itself; some hold −inf.
BUFFERS = ("attention.bias", "attn.bias", "attention.masked_bias", "attn.masked_bias", "inv_freq")
# Keys of config.json that change no number of a network in evaluation mode, or that the study decides.
NO_NUMBERS = (
    *("transformers_version", "architectures", "dtype", "torch_dtype", "_name_or_path", "use_cache", "auto_map"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "initializer_range", "id2label", "label2id", "problem_type"),
    *("attention_dropout", "hidden_dropout", "classifier_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop"),
    *("output_attentions", "output_hidden_states", "return_dict", "max_position_embeddings", "task_specific_params"),
    *("summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout"),
    *("chunk_size_feed_forward", "reorder_and_upcast_attn", "attn_implementation", "n_ctx"),
)
# The library's names of weights that files name otherwise: the output map of GPT-NeoX.
IN_FILES = {"lm_head.weight": "embed_out.weight"}
NO_SUCH_FILE = "does not appear to have"  # in the client's words
# Copies of a stack that are in memory while a table is read, and of the logits while they are compared.
COPIES = 4
LARGEST_LIST = 2**31 - 1  # numbers of one tensor name in one step of a table, which counts them in int32


class Missing(TicketlabError):
    """A checkpoint has no file of this name."""


@dataclass(frozen=True)
class Run:
    """A released training run and the key of its network in the tables."""

    member: Member
    settings: ReleasedMember

    def __str__(self) -> str:
        return self.settings.source()


def runs(settings: ReleasedSettings, seeds: Sequence[int]) -> list[Run]:
    """The runs of these initialisations: the first of each is its dense network, the others are its siblings.

    Siblings have the keys of networks that split from the dense one at step 0: data orders 1, 2, … in the order of the
    config.
    """
    return [
        Run(Member(seed, seed) if not order else Member(seed, data_seed(seed, order), "spawned"), settings_of_run)
        for seed in seeds
        for order, settings_of_run in enumerate(settings.of_init(seed))
    ]


def revision(settings: ReleasedSettings, step: int) -> str:
    return settings.revision.replace(STEP, str(step))


def find(run: Run, settings: ReleasedSettings, step: int, name: str) -> Path:
    """A file of a run's checkpoint; from the hub it is fetched first. Raises TicketlabError if it is not there."""
    if run.settings.path is None:
        return _from_hub(str(run.settings.name), revision(settings, step), name)
    root = Path(run.settings.path)
    tried = [root / pattern.replace(STEP, str(step)) for pattern in (settings.revision, *LOCAL)]
    folder = next((folder for folder in tried if folder.is_dir()), None)
    if folder is None:
        raise TicketlabError(f"{shown(root)}: no folder {tried[0].name} in it; take step {step} out, or add it")
    if not (folder / name).is_file():
        raise Missing(f"{shown(folder)}: no file {name} in it")
    return folder / name


def _from_hub(name: str, revision: str, file: str) -> Path:
    from transformers.utils.hub import cached_file

    try:
        found = cached_file(name, file, revision=revision)
    except Exception as error:  # the client's own kinds, and those of its transport
        reason = " ".join(str(error).split())[:300]
        if NO_SUCH_FILE in reason:
            raise Missing(f"{name}, revision {revision}: no file {file} on the hub") from error
        raise TicketlabError(f"{name}, revision {revision}: {file} cannot be had from the hub: {reason}") from error
    if found is None:
        raise Missing(f"{name}, revision {revision}: no file {file} on the hub")
    path = Path(found)
    content = path.resolve().name
    if len(content) == 64 and _sha256(path) != content:  # the cache calls a large file by its sum
        path.resolve().unlink()
        raise TicketlabError(f"{name}, revision {revision}: {file} came damaged and was deleted; run again")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_all(study: Study, found: Sequence[Run], settings: ReleasedSettings) -> None:
    """Refuse what can be known from the small files alone, before any weights are read.

    Raises TicketlabError at the first revision that is missing, or whose config.json is that of another network.
    """
    count = 0
    for run in found:
        dense = run.member.variant == "dense"
        for step in settings.steps if dense else [0, settings.steps[-1]]:
            path, count = find(run, settings, step, CONFIG), count + 1
            try:
                said = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise TicketlabError(f"{shown(path)} is not readable JSON ({error}); fetch it again") from error
            if wrong := differences(study.model, said):
                raise TicketlabError(
                    f"{run}, {revision(settings, step)}: its config.json has {'; '.join(wrong)}: change the "
                    "study's model"
                )
    log.info("all %d checkpoints are there", count)


def differences(model: Network, said: dict[str, Any]) -> list[str]:
    """The keys in which a checkpoint's config.json is not that of the study's network, each as a phrase."""
    from transformers import AutoConfig, PreTrainedConfig

    own: PreTrainedConfig = model.config  # type: ignore[assignment]
    keys = dict(said)
    kind = keys.pop("model_type", None)
    if kind != own.model_type:
        return [f"model_type {kind!r}, not {own.model_type!r}"]
    if "auto_map" in keys:
        log.warning("config.json names code of its own, which is not run: the library's %s is", kind)
    mine, theirs = own.to_dict(), AutoConfig.for_model(kind, **keys).to_dict()
    return [
        f"{key} {theirs[key]!r}, not {mine[key]!r}"
        for key in sorted(mine.keys() & theirs.keys())
        if key not in NO_NUMBERS and mine[key] != theirs[key]
    ]


def memory_needed(study: Study, networks: int, places: int) -> int:
    """Bytes that a job needs for a stack of `networks`: COPIES of its weights and of its logits at `places`."""
    weights = sum(tensor.numel() for tensor in study.model.parameters())
    together = max(networks, 2)  # one network is run as two
    return 4 * COPIES * together * (weights + places * study.problem.outputs)


def check_memory(study: Study, networks: int, here: int | None = None) -> None:
    """Refuse a stack that does not fit into the memory (`here`, bytes; by default all of the machine's or the GPU's).

    Raises TicketlabError that says how much is needed.
    """
    if here is None:
        on_gpu = study.device.type == "cuda"
        here = torch.cuda.mem_get_info(study.device)[1] if on_gpu else psutil.virtual_memory().total
    context = study.problem.context
    needed = memory_needed(study, networks, max(EVALUATION_CHUNK, context))
    if needed > here:
        raise TicketlabError(
            f"study {study.name}: {networks} networks of {_millions(study)} need about {needed / 2**30:.0f} GiB in one "
            f"job, and there are {here / 2**30:.0f}; lower released.block_size, or run it on a larger machine"
        )
    largest = max(tensor.numel() for tensor in study.model.parameters())
    whole = networks * sum(tensor.numel() for tensor in study.model.parameters())
    if max(whole, networks * largest) > LARGEST_LIST:
        raise TicketlabError(
            f"study {study.name}: {networks} networks of {_millions(study)} are more than 2^31 numbers, which a table "
            "cannot hold at one step; lower released.block_size"
        )
    log.info("%d networks of %s: about %.1f GiB in one job", networks, _millions(study), needed / 2**30)


def _millions(study: Study) -> str:
    return f"{sum(tensor.numel() for tensor in study.model.parameters()) / 1e6:.3g} million weights"


def open_checkpoint(run: Run, settings: ReleasedSettings, step: int) -> Checkpoint:
    """The weight files of a run at a step. Raises TicketlabError if there are none, or they are damaged."""
    get = partial(find, run, settings, step)
    for whole in WHOLE:
        with suppress(Missing):
            return open_files([get(whole)])
        with suppress(Missing):
            index = json.loads(get(whole + INDEX).read_text(encoding="utf-8"))
            return open_files([get(name) for name in sorted(set(index["weight_map"].values()))])
    raise TicketlabError(f"{run}, {revision(settings, step)}: no {' or '.join(WHOLE)} in it, whole or in parts")


def matched(model: Network, checkpoint: Checkpoint, where: str) -> dict[str, str]:
    """The name in the checkpoint of each of the network's parameters.

    Names may lack the prefix of the language model's body. Raises TicketlabError if a parameter is missing or has
    another shape, or if a weight is left over.
    """
    there = set(checkpoint.names())
    names: dict[str, str] = {}
    for name, tensor in model.named_parameters():
        whole = name.removeprefix("decoder.")
        known = (whole, whole.partition(".")[2], IN_FILES.get(whole))
        found = next((each for each in known if each in there), None)
        if found is None:
            raise TicketlabError(f"{where}: no weight {whole} in it; the study's model is another network")
        if checkpoint.shape(found) != tuple(tensor.shape):
            raise TicketlabError(
                f"{where}: {whole} is {checkpoint.shape(found)}, and {tuple(tensor.shape)} in the study's model; where "
                "only the first number differs, set task.vocabulary to it (a vocabulary may be padded)"
            )
        names[name] = found
    left = [name for name in checkpoint.names() if name not in names.values() and not name.endswith(BUFFERS)]
    for name in left:
        twins = [found for found in names.values() if checkpoint.shape(found) == checkpoint.shape(name)]
        if not any(torch.equal(checkpoint.tensor(found), checkpoint.tensor(name)) for found in twins):
            raise TicketlabError(f"{where}: {name} is in it and not in the study's model, which is another network")
    return names


def read_into(weights: Stack | None, row: int, run: Run, settings: ReleasedSettings, step: int, model: Network) -> dict:
    """Read a checkpoint into row `row` of a stack, one tensor at a time, and return its row of table `checkpoints`.

    weights: None reads for the digest alone. The digest is of the weights as float32 in the order of the network's
    parameters, so the same numbers have the same one in whatever files. Raises TicketlabError if one is not finite.
    """
    where = f"{run}, {revision(settings, step)}"
    checkpoint = open_checkpoint(run, settings, step)
    names = matched(model, checkpoint, where)
    digest, stored = hashlib.sha256(), set()
    for name, found in names.items():
        tensor = checkpoint.tensor(found)
        stored.add(checkpoint.dtype(found))
        if not bool(tensor.isfinite().all()):
            raise TicketlabError(f"{where}: {found} has numbers that are not finite; take the step out")
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
        if weights is not None:
            weights[name][row] = tensor
    return {
        **run.member.keys(),
        "step": step,
        "source": run.settings.source(),
        "revision": revision(settings, step),
        "stored": ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in stored)),
        "half": bool(stored & {*HALF}),
        "sha256": digest.hexdigest(),
    }


def empty(study: Study, networks: int) -> Stack:
    parameters = study.model.named_parameters()
    return {name: torch.zeros(networks, *tensor.shape, device=study.device) for name, tensor in parameters}


def states(study: Study, dense: Sequence[Run], settings: ReleasedSettings, origins: list[dict]) -> Iterator[State]:
    """The dense networks at each of the steps; each state is overwritten by the next. Rows are added to `origins`."""
    weights = empty(study, len(dense))
    for step in settings.steps:
        for row, run in enumerate(dense):
            origins.append(read_into(weights, row, run, settings, step, study.model))
        yield State(step, weights, {})


def families(
    study: Study, found: Sequence[Run], settings: ReleasedSettings, end: State, origins: list[dict]
) -> Iterator[tuple[list[Member], State]]:
    """By initialisation, at the last step: the dense network as its own exact replicate, then its siblings.

    end: of the dense networks, in the order of `found`. Rows of the siblings are added to `origins`.
    """
    dense = [run for run in found if run.member.variant == "dense"]
    for place, parent in enumerate(dense):
        seed = parent.member.init_seed
        siblings = [run for run in found if run.member.init_seed == seed and run is not parent]
        weights = empty(study, 1 + len(siblings))
        for name, tensor in weights.items():
            tensor[0] = end.weights[name][place]
        for row, run in enumerate(siblings, 1):
            origins.append(read_into(weights, row, run, settings, end.step, study.model))
        members = [replace(parent.member, variant="spawned"), *(run.member for run in siblings)]
        yield members, State(end.step, weights, {})


def checked_starts(origins: Sequence[dict]) -> None:
    """Refuse initialisations that are not what the config says, by the digests of step 0.

    Raises TicketlabError if two runs of one init_seed start from different weights, or two of different ones from the
    same.
    """
    starts = [row for row in origins if row["step"] == 0]
    for place, one in enumerate(starts):
        for other in starts[:place]:
            same, said = one["sha256"] == other["sha256"], one["init_seed"] == other["init_seed"]
            if same and not said:
                raise TicketlabError(
                    f"{other['source']} and {one['source']} have the same weights at step 0: give them one init_seed"
                )
            if said and not same:
                raise TicketlabError(
                    f"{other['source']} and {one['source']} have different weights at step 0: give them two init_seeds"
                )


def checked_series(origins: Sequence[dict], last: int) -> None:
    """Refuse runs that are one, or that do not change; warn of steps that are the same, and of half precision.

    Raises TicketlabError if two runs end in the same weights, or one run's first and last weights are the same.
    """
    frame = pd.DataFrame(origins)
    ends = frame[frame["step"] == last]
    twins = ends[ends.duplicated("sha256", keep=False)]["source"].drop_duplicates().tolist()
    if len(twins) > 1:
        raise TicketlabError(f"{' and '.join(twins)} are one network under two names at step {last}; keep one of them")
    for source, rows in frame.groupby("source", sort=False):
        for _, group in rows.groupby("sha256", sort=False):
            steps = group["step"].tolist()
            if {0, last} <= set(steps):
                raise TicketlabError(f"{source}: steps 0 and {last} hold the same weights: this is no series")
            if len(steps) > 1:
                log.warning("%s: steps %s hold the same weights", source, " and ".join(map(str, steps)))
    if frame["half"].any():
        log.warning(
            "%d of %d checkpoints are stored in half precision (%s): their weights have 8 to 11 significant bits, and "
            "smaller differences between steps or runs are not in them",
            *(int(frame["half"].sum()), len(frame), ", ".join(sorted(set(frame.loc[frame["half"], "stored"])))),
        )
