"""The reasons for which a job would run, in a user's words: Snakemake's reason, compared with its records."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import damage, parts
from workflow_scripts.tools.dry_run import Job

PARAMS = "Params have changed since last execution: Union of exclusive params before and now across all output: "
NEW = "not made yet"
ENVIRONMENT = "its conda environment changed"
SHOWN = 3  # names of a list that are shown
LONG = 40  # largest number of characters of a value


def explain(job: Job, maker: Mapping[str, str], records: FilePersistence) -> str:
    """The reason for which `job` would run: Snakemake's in a user's words, or unchanged where it is not a known one.

    maker: the rule that makes a file in this run. records: Snakemake's records of earlier runs.
    """
    # The values of changed parameters may hold any text, so they are cut off first.
    said, _, changed = job.reason.partition(PARAMS)
    sentences = [_sentence(part, job, maker, records) for part in said.split("; ") if part]
    if NEW in sentences:
        return NEW
    if changed:
        values, _, more = changed.partition("; Software environment")
        sentences += list(_parameters(values)) or ["config, code or packages"]  # a value that is no Python literal
        sentences += [ENVIRONMENT] if more else []
    return "; ".join(dict.fromkeys(sentences))


def _sentence(reason: str, job: Job, maker: Mapping[str, str], records: FilePersistence) -> str:
    head, _, tail = reason.partition(": ")
    files = tail.split(", ")
    if head == "Forced execution":
        return _forced(job, records)
    if head == "Missing output files":
        known = [file for file in files if records._read_record(file)]
        return f"deleted: {_some(known)}" if known else NEW
    if head == "Updated input files":
        return f"newer than what was made of it: {_some(files)}"
    if head == "Input files updated by another job":
        return f"follows {', '.join(sorted({maker.get(file, file) for file in files}))}"
    if head == "Set of input files has changed since last execution":
        record = next(filter(None, map(records._read_record, job.output)), None)
        before = {*(record.input or ())} if record else set()
        more, less = sorted({*job.input} - before), sorted(before - {*job.input})
        told = [f"reads {_some(more)} too"] * bool(more) + [f"reads {_some(less)} no more"] * bool(less)
        return ", ".join(told) or "reads its files in another order"
    if head == "Software environment definition has changed since last execution":
        return ENVIRONMENT
    return reason


def _forced(job: Job, records: FilePersistence) -> str:
    """A job is forced by an option, or because its outputs are damaged or were left unfinished."""
    damages = damage.of_job(job.log) if job.log else []
    if damages:
        return f"damaged: {_some([str(found) for found in damages])}"
    unfinished = sorted(records._filter_incomplete_keys(job.output))
    return f"its last run was broken off before {_some(unfinished)} was whole" if unfinished else "asked for by option"


def _parameters(values: str) -> Iterator[str]:
    """The changes from the recorded parameters to the current ones, from Snakemake's "before: … now: …"."""
    before, now = (_literals(side) for side in values.removeprefix("before: ").rsplit(" now: ", 1))
    for old, new in zip(_of_kind(before, dict), _of_kind(now, dict), strict=False):
        files = list(_changes(old.pop("sha256", {}), new.pop("sha256", {})))
        yield from [f"files: {_some(files)}"] if files else []
        settings = list(differences(old, new))
        yield from [f"config: {_some(settings)}"] if settings else []
    yield from _digests(_of_kind(before, str), _of_kind(now, str))


def _digests(before: list[str], now: list[str]) -> Iterator[str]:
    """The code and the packages behind changed digests, as far as the parts of these are known."""
    if not now:
        return
    known = [[parts.recall(digest) for digest in side] for side in (before, now)]
    if not before or None in known[0] or None in known[1]:
        yield "code or packages"
        return
    old, new = ({name: part for found in side if found for name, part in found.items()} for side in known)
    modules = {name for name in {*old, *new} if name.endswith(".py")}
    code = list(_changes(*({name: side[name] for name in modules & {*side}} for side in (old, new))))
    yield from [f"code: {_some(code)}"] if code else []
    pins = [name for name in sorted({*old, *new} - modules - {"numerics"}) if old.get(name) != new.get(name)]
    versions = [f"{name} {old.get(name, '(none)')} -> {new.get(name, '(none)')}" for name in pins]
    yield from [f"packages: {_some(versions)}"] if versions else []
    if old.get("numerics") != new.get("numerics"):
        yield f"config: numerics {old.get('numerics')!r} -> {new.get('numerics')!r}"


def _changes(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """The names whose digest changed, is new or is gone."""
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{name} is new" if name not in old else f"{name} is gone" if name not in new else f"{name} changed"


def _literals(text: str) -> list[Any]:
    try:
        return list(ast.literal_eval(f"[{text.strip()}]"))
    except (ValueError, SyntaxError):  # not a number, or "<nothing exclusive>"
        return []


def _of_kind(values: list[Any], kind: type) -> list[Any]:
    return [value for value in values if isinstance(value, kind)]


def differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """The differences of two nested values, as `training.learning_rate 0.01 -> 0.02`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{name}.{key}" if name else str(key)
            if key not in new:
                yield f"{inner} is gone"
            elif key not in old:
                yield f"{inner} is new" if isinstance(new[key], dict) else f"{inner} is new: {_short(new[key])}"
            else:
                yield from differences(old[key], new[key], inner)
    elif old != new:
        yield f"{name} {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
