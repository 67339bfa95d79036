"""What a change makes stale, and what it leaves alone: dry runs over finished runs, in folders moved elsewhere.

The table of docs/operations.md says the same to users: for each change, how many jobs run and what `make plan` says of
the first of them. A test fails where it is wrong, and shows what is right.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.projects import ROOT, TINY, Project, closure
from workflow_scripts.ticketlab.config.files import overlay

LIBRARY = "workflow_scripts/ticketlab"


@dataclass(frozen=True)
class Change:
    """What is changed, and the jobs that must run because of it; all that is downstream of them must run as well.

    stale: patterns of jobs; spared: of jobs that must not run, so that a DAG which couples too much is found out.
    config: laid over the finished run's; edits: (file, old, new); code: files that get one more statement; broken:
    outputs, and what is done to them. base: the fixture with the finished run.
    """

    stale: Sequence[str]
    spared: Sequence[str] = ()
    config: dict[str, Any] = field(default_factory=dict)
    edits: Sequence[tuple[str, str, str]] = ()
    code: Sequence[str] = ()
    broken: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    base: str = "quick"


def study(name: str, **sections: Any) -> dict[str, Any]:
    return {"studies": {name: sections}}


def trained(name: str) -> list[str]:
    """The jobs that train networks of a study."""
    rules = ["train_dense", "imp_round", "train_controls", "train_spawned"]
    rules += ["find_supermask"] if shipped(name)["supermask"] else []
    return [f"{rule} {name}-*" for rule in rules]


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def overwrite(path: Path) -> None:
    """One byte becomes another."""
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)


def shipped(name: str) -> dict[str, Any]:
    """A study's block as the quick run has it."""
    layers = [yaml.safe_load((ROOT / file).read_text()) for file in ("config.yaml", "config/quick.yaml")]
    return overlay(*(layer["studies"][name] for layer in layers))


CHANGES = {
    "two betas change places": Change(
        config=study("text", training={"betas": [0.99, 0.9]}),
        stale=trained("text"),
        spared=["prepare_data *", "* digits*"],
    ),
    "learning rate and momentum change places": Change(
        config=study("text", training={"learning_rate": 0.9, "momentum": 0.01}),
        stale=trained("text"),
        spared=["prepare_data *", "* digits*"],
    ),
    "two studies change learning rates": Change(
        config={
            "studies": {
                "text": {"training": {"learning_rate": shipped("digits")["training"]["learning_rate"]}},
                "digits": {"training": {"learning_rate": shipped("text")["training"]["learning_rate"]}},
            }
        },
        stale=[*trained("text"), *trained("digits")],
        spared=["prepare_data *"],
    ),
    "another split of the data": Change(
        config=study("digits", task={"validation_share": 0.2}),
        stale=["prepare_data digits"],
        spared=["* text*"],
    ),
    "another judging margin": Change(
        config=study("text", judging={"margin": 0.05}),
        stale=["summarise text", "judge", "read_clock"],
        spared=["train_*", "imp_round *", "score_roles *", "compare_roles *", "estimate_llc *", "* digits*"],
    ),
    "another LLC temperature": Change(
        config=study("digits", llc={"nbeta": 20.0}),
        stale=["estimate_llc digits-*"],
        spared=["train_*", "imp_round *", "trace_*", "* text*"],
    ),
    "one more seed block": Change(
        config=study("digits", seeds=8),
        stale=["* digits-1", "* digits-1-*"],
        spared=["* digits-0", "* digits-0-*", "* text*", "prepare_data *"],
    ),
    "one more round of pruning": Change(
        config=study("digits", pruning={"rounds": 3}),
        stale=["imp_round digits-0-*-3"],
        spared=["imp_round digits-0-*-[12]", "train_*", "train_controls *", "estimate_llc *", "* text*"],
    ),
    "one more density of supermasks": Change(
        config=study("digits", supermask={"densities": [0.5, 0.3]}),
        stale=["find_supermask digits-*"],
        spared=["train_*", "imp_round *", "train_controls *", "score_roles *", "* text*"],
    ),
    "one more density of controls": Change(
        config=study("digits", pruning={"control_levels": [1, 2]}),
        stale=["train_controls digits-0-shuffled", "train_controls digits-0-[!m]*", "estimate_llc digits-0-tickets"],
        spared=[
            "train_dense *",
            "train_spawned *",
            "imp_round *",
            "train_controls *-mask_at_step",
            "estimate_llc digits-0-dense",
            "* text*",
        ],
    ),
    "one more control": Change(
        base="tiny",
        config=study("digits", pruning={"controls": [*TINY["studies"]["digits"]["pruning"]["controls"], "random"]}),
        stale=["train_controls digits-0-random"],
        spared=[
            "train_dense *",
            "train_spawned *",
            "imp_round *",
            "train_controls *-reinitialised",
            "train_controls *-shuffled",
        ],
    ),
    "one more study": Change(
        config=study("again", **shipped("digits")),
        stale=["* again", "* again-*"],
        spared=["* text*", "* digits*"],
    ),
    "one study less": Change(
        config={"run": ["digits"]},
        stale=["judge", "read_clock"],
        spared=["* text*", "* digits*"],
    ),
    "instruments/reference_distances.py": Change(
        code=[f"{LIBRARY}/instruments/reference_distances.py"],
        stale=["trace_structure *", "develop_tickets *", "calibrate structure"],
        spared=["train_*", "imp_round *", "estimate_llc *-dense", "estimate_llc *-tickets", "score_roles *"],
    ),
    "instruments/llc.py": Change(
        code=[f"{LIBRARY}/instruments/llc.py"],
        stale=["estimate_llc *", "calibrate llc"],
        spared=["train_*", "imp_round *", "trace_structure *", "score_roles *"],
    ),
    "a table's contract": Change(
        code=[f"{LIBRARY}/tables/schemas/roles.py"],
        stale=["score_roles *", "compare_roles *", "vary_noise *", "summarise *", "calibrate statistics"],
        spared=["train_*", "imp_round *", "estimate_llc *", "trace_*"],
    ),
    "pruning/masks.py": Change(
        code=[f"{LIBRARY}/pruning/masks.py"],
        stale=[
            "imp_round *",
            "train_controls *",
            "find_supermask *",
            "trace_mask_overlap *",
            "vary_noise *",
            "calibrate pruning",
        ],
        spared=["train_dense *", "train_spawned *", "score_roles *", "trace_structure *"],
    ),
    "another tolerance of an instrument": Change(
        config={"calibration": {"structure": {"bias_tolerance": 0.02}}},
        stale=["calibrate structure"],
        spared=["calibrate [!s]*", "calibrate statistics", "train_*", "trace_*", "summarise *"],
    ),
    "verdicts/tickets.py": Change(
        code=[f"{LIBRARY}/verdicts/tickets.py"],
        stale=["calibrate pruning", "calibrate statistics", "judge"],
        spared=[
            *("train_*", "imp_round *", "find_supermask *", "vary_noise *", "resample_weights *"),
            *("develop_tickets *", "measure_deep_linear", "summarise *"),
        ],
    ),
    "settings/calibration/llc.py": Change(
        code=[f"{LIBRARY}/settings/calibration/llc.py"],
        stale=["calibrate llc"],
        spared=["calibrate [!l]*", "measure_deep_linear", "estimate_llc *"],
    ),
    "a script": Change(
        code=["workflow_scripts/compare_roles.py"], stale=["compare_roles *"], spared=["train_*", "score_roles *"]
    ),
    "a task's file": Change(
        code=[f"{LIBRARY}/tasks/images.py"],
        stale=["* digits", "* digits-*", "calibrate pruning"],
        spared=["* text", "* text-*"],
    ),
    "a model's file": Change(
        code=[f"{LIBRARY}/models/transformer.py"],
        stale=[
            *("* text", "* text-*", "* markov_chains*", "* linear_regression*"),
            *("calibrate roles", "calibrate structure"),
        ],
        spared=["* digits", "* digits-*"],
    ),
    "a pinned package": Change(
        edits=[("envs/requirements.lock", "numpy==", "numpy==9.")], stale=["prepare_data *", "*"]
    ),
    "other numerics": Change(config={"numerics": "native"}, stale=["prepare_data *", "*"]),
    "a newer linter": Change(edits=[("envs/requirements.lock", "ruff==", "ruff==9.")], stale=[]),
    "a table deleted": Change(
        broken={"digits/block0/dense/weights.parquet": Path.unlink},
        stale=["train_dense digits-0"],
        spared=["prepare_data *", "* text*"],
    ),
    "a table deleted that nothing reads": Change(
        broken={"digits/block0/controls/shuffled/masks.parquet": Path.unlink},
        stale=["train_controls digits-0-shuffled"],
        spared=["train_dense *", "train_spawned *", "imp_round *", "* text*"],
    ),
    "a table truncated": Change(
        broken={"text/block0/structure.parquet": truncate},
        stale=["trace_structure text-0"],
        spared=["train_*", "trace_mask_overlap *", "* digits*"],
    ),
    "a byte of a table overwritten": Change(
        broken={"text/block0/roles/dense.parquet": overwrite},
        stale=["score_roles text-0-dense"],
        spared=["train_*", "score_roles text-0-split*", "* digits*"],
    ),
    "a byte of a figure overwritten": Change(
        broken={"figures/llc.png": overwrite}, stale=["figures"], spared=["* text*", "* digits*", "judge"]
    ),
    "the report truncated": Change(
        broken={"report.html": truncate}, stale=["report"], spared=["* text*", "* digits*", "judge", "figures"]
    ),
    "comments and docstrings": Change(
        edits=[
            (f"{LIBRARY}/training/train.py", '"""', '"""As before: '),
            ("workflow_scripts/train_dense.py", '"""', '"""As before: '),
            ("workflow_scripts/judge.py", "with logged", "# a comment\nwith logged"),
            ("rules/dense.smk", "rule train_dense", "# a comment\nrule train_dense"),
            ("config.yaml", "defaults:", "# a comment\ndefaults:"),
            ("envs/requirements.lock", "numpy==", "# a comment\nnumpy=="),
        ],
        stale=[],
    ),
}


def documented() -> dict[str, tuple[str, str]]:
    """The table of docs/operations.md: the number of jobs and the reason, by change."""
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    table = page.partition("\n| change |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]
    return {name: (jobs, reason.strip("`")) for name, _, jobs, reason in rows}


def apply(change: Change, project: Project, results: str) -> Project:
    for edit in change.edits:
        project.edit(*edit)
    for file in change.code:
        project.append(file, "\nADDED = 1\n")
    for path, destroy in change.broken.items():
        destroy(project.folder / results / path)
    return project.overlay("change.yaml", change.config)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_makes_stale_what_it_touches_and_nothing_else(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    change = CHANGES[name]
    finished: Project = request.getfixturevalue(change.base)
    results = "results/quick" if change.base == "quick" else "results"
    project = apply(change, finished.copy(tmp_path / "project"), results)
    # One after the other: the second has forgotten nothing of what is damaged.
    complete, planned = project.plans(["--forceall"], [])
    assert set(planned) == closure(complete.values(), change.stale)
    for pattern in change.stale:
        assert any(fnmatch(job, pattern) for job in planned), f"nothing like {pattern} is planned"
    assert not [job for job in planned for pattern in change.spared if fnmatch(job, pattern)]
    first = [planned[job].reason for job in planned for pattern in change.stale[:1] if fnmatch(job, pattern)]
    reasons = {reason for reason in first if not reason.startswith("follows")} or {"nothing"}
    told = [re.sub(r"instead of \d+", "instead of N", reason) for reason in reasons]
    assert documented().get(name) == (str(len(planned)), *told)


def test_the_number_of_jobs_is_documented(quick: Project, tiny: Project) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    said = re.findall(r"\((\d+) jobs; the additional control: to a smaller one of (\d+)\)", page)
    assert said == [tuple(str(len(project.plan("--forceall"))) for project in (quick, tiny))]


def test_every_change_is_documented_and_nothing_else() -> None:
    assert [*documented()] == [*CHANGES]


def times(project: Project) -> dict[str, int]:
    """When each output was written that there is."""
    outputs = {path for job in project.plan("--forceall").values() for path in job.output}
    return {path: (project.folder / path).stat().st_mtime_ns for path in outputs if (project.folder / path).exists()}


@pytest.mark.parametrize(
    "change",
    [
        Change(config=study("digits", judging={"margin": 0.05}), stale=["summarise digits", "judge", "read_clock"]),
        Change(
            code=[f"{LIBRARY}/instruments/reference_distances.py"],
            stale=["trace_structure digits-0", "calibrate structure"],
        ),
        Change(
            broken={
                "digits/block0/overlap.parquet": truncate,
                "digits/agreement.parquet": Path.unlink,
                "figures/llc.svg": overwrite,
            },
            stale=["trace_mask_overlap digits-0", "compare_roles digits", "figures"],
        ),
    ],
    ids=["a setting", "a module", "broken outputs"],
)
def test_what_is_stale_is_made_again_and_then_nothing_is(change: Change, tiny: Project, tmp_path: Path) -> None:
    before = tiny.tables()
    project = apply(change, tiny.copy(tmp_path / "project"), "results")
    complete, planned = project.plans(["--forceall"], [])
    assert set(planned) == closure(complete.values(), change.stale)
    written = times(project)
    project.run()
    again = {path for path, time in times(project).items() if time != written.get(path)}
    assert again == {path for job in planned.values() for path in job.output}
    assert not project.plan()
    verified = project.tool("verify")
    assert verified.returncode == 0, verified.stdout
    assert (project.tables() == before) == bool(change.broken)


def test_bytes_changed_under_the_old_size_and_time_are_found_by_verify_and_made_again(
    tiny: Project, tmp_path: Path
) -> None:
    project = tiny.copy(tmp_path / "project")
    assert not project.plan()
    path = project.folder / "results/verdicts.parquet"
    status = path.stat()
    overwrite(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not project.plan()
    result = project.tool("verify")
    assert result.returncode == 1
    assert "results/verdicts.parquet holds other bytes than were written  (made by judge)\n" in result.stdout
    assert set(project.plan()) == {"judge", "predict", "figures", "report"}


def test_nothing_is_stale_in_a_folder_that_was_moved_or_cloned_with_or_without_its_times(
    quick: Project, tmp_path: Path
) -> None:
    clone = Project(tmp_path / "clone", quick.overlays)
    shutil.copytree(quick.folder, clone.folder, copy_function=shutil.copyfile)
    # In whatever order a copier writes: here, what was made last comes first.
    files = [path for path in (clone.folder / "results").rglob("*") if path.is_file()]
    now = time.time()
    for age, path in enumerate(
        sorted(files, key=lambda path: (quick.folder / path.relative_to(clone.folder)).stat().st_mtime)
    ):
        os.utime(path, (now - age / 1000, now - age / 1000))
    assert not clone.plan()
    moved = Project(clone.folder.rename(tmp_path / "moved to another name"), quick.overlays)
    assert not moved.plan()


def test_results_copied_without_snakemakes_records_are_judged_by_their_manifests(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    shutil.rmtree(project.folder / ".snakemake")
    project.touch("**/*.j2")
    assert not project.plan()
    shutil.rmtree(project.folder / ".snakemake")
    changed = apply(Change(config=study("digits", judging={"margin": 0.05}), stale=()), project, "results")
    planned = changed.plan()
    clock = {"read_clock", "draw_clock"}
    assert set(planned) == {"summarise digits", "judge", "predict", "figures", "report"} | clock
    assert planned["summarise digits"].reason == "config: judging.margin 0.01 -> 0.05"


def test_nothing_is_stale_after_results_were_touched(quick: Project, tmp_path: Path) -> None:
    project = quick.copy(tmp_path / "project")
    project.touch("results/**/*.parquet")
    assert not project.plan()


def test_nothing_is_stale_after_a_checkout_that_touches_every_source(quick: Project, tmp_path: Path) -> None:
    project = quick.copy(tmp_path / "project")
    for pattern in ("Snakefile", "config.yaml", "config/*", "rules/*", "workflow_scripts/**/*.py", "envs/*"):
        project.touch(pattern)
    assert not project.plan()


CORPUS = "texts"
# A wildcard to Snakemake, an option and more to a shell, no UTF-8.
AWKWARD = ["{study}.txt", "{.txt", "-rf $HOME *\n'\".txt", "\udcff.txt"]
TEXT: dict[str, Any] = {
    "run": ["text"],
    "studies": {
        "text": {"task": {"corpus": {"kind": "file", "path": CORPUS}, "context": 8, "evaluation_sequences": 8}}
    },
}


@pytest.fixture(scope="module")
def own_text(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study on the user's own texts, up to its data."""
    folder = shutil.copytree(pristine, tmp_path_factory.mktemp("text") / "project")
    (folder / CORPUS).mkdir()
    for number in range(30):
        (folder / CORPUS / f"{number}.txt").write_text(f"The {number}th text says that {number} is a number.\n" * 20)
    for name in AWKWARD:
        (folder / CORPUS / name).write_text(f"Its name is {name!a}, which neither Snakemake nor a shell may read.")
    return Project(folder, ("config/quick.yaml",)).overlay("text.yaml", TEXT).run("data")


def change_text(project: Project, how: str) -> None:
    path = project.folder / CORPUS / "7.txt"
    text, status = path.read_text(), path.stat()
    if how == "edited":
        path.write_text(text.replace("number", "figure"))
    elif how == "replaced by an older file":
        path.write_text(text.replace("number", "figure"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 10**12))
    elif how == "removed":
        path.unlink()
    elif how == "added":
        path.with_name("new.txt").write_text(text)
    else:
        os.utime(path)


TOLD = {
    "edited": "files: texts/7.txt changed",
    "replaced by an older file": "files: texts/7.txt changed",
    "removed": "files: texts/7.txt is gone",
    "added": "files: texts/new.txt is new",
}


@pytest.mark.parametrize("how", [*TOLD, "touched"])
def test_data_are_prepared_anew_from_the_users_texts_if_and_only_if_these_changed(
    own_text: Project, tmp_path: Path, how: str
) -> None:
    project = own_text.copy(tmp_path / "project")
    change_text(project, how)
    # Whatever the size: by itself Snakemake goes by time from 1 MB on.
    planned = project.plan("data", "--max-checksum-file-size", "0")
    assert set(planned) == (set() if how == "touched" else {"prepare_data text"})
    if planned:
        assert planned["prepare_data text"].reason == TOLD[how]
