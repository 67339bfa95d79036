"""The progress of each study: jobs done, stale, running, failed and missing, stage by stage.

    python -m workflow_scripts.tools.status --cores N [further arguments of snakemake]

Snakemake's dry run says which jobs have to run. A job is running if a run is at work here and has marked the job's
outputs unfinished. It has failed if it has to run, does not run, lacks outputs and has a log but no manifest: its
script first opens the log and deletes the manifest, and writes the manifest at its end; its log says if the user
stopped it. Two things cannot be known. A
folder that is locked while no process here works in it may belong to a run on another machine or to one that was
killed. A job that ended before its script began counts as missing.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import damage
from workflow_scripts.tools import outcome, unlock
from workflow_scripts.tools.dry_run import Job
from workflow_scripts.tools.plan import dry_run

STATES = ("done", "stale", "running", "failed", "missing")
SNAKEFILE = Path("Snakefile")
ALL = "(all studies)"


def state(job: Job, needed: bool, since: float | None, records: FilePersistence) -> str:
    """One of STATES. needed: the dry run would run the job. since: when the run at work here began, None if none is."""
    there = [Path(output).exists() for output in job.output]
    damages = damage.of_job(job.log) if job.log else []
    marked = records._filter_incomplete_keys(job.output)
    # Marks older than the run come from one that was killed; damage, which is marked too, is not work in progress.
    begun = since is not None and any((records._get_recorded_starttime(key) or 0) >= since for key in marked)
    if begun and all(found.fault == damage.MISSING for found in damages):
        return "running"
    if not needed:
        return "done"
    if all(there):
        return "stale"
    ended_badly = job.log and Path(job.log).exists() and not damage.vouched(job.log)
    return "failed" if ended_badly and not outcome.was_stopped(job) else "missing"


def stages(snakefile: Path) -> dict[str, str]:
    """The stage of each rule in the order of the Snakefile: the name of the included file that the rule is in."""
    files = [snakefile.parent / name for name in re.findall(r'^include: "(.+)"', snakefile.read_text(), re.MULTILINE)]
    return {
        rule: file.stem
        for file in files
        for rule in re.findall(r"^rule (\w+):", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }


def table(states: Iterable[tuple[Job, str]], stage: dict[str, str]) -> str:
    """Counts of jobs by study and stage, in the order of the workflow."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for job, found in states:
        counts.setdefault((job.study or ALL, stage.get(job.rule, job.rule)), Counter())[found] += 1
    studies = list(dict.fromkeys(study for study, _ in counts))
    order = [*dict.fromkeys(stage.values()), *dict.fromkeys(name for _, name in counts)]
    width = max(map(len, [ALL, *studies])) + 2
    lines = [f"{'study':<{width}}{'stage':<14}" + "".join(f"{name:>9}" for name in STATES)]
    for study, name in sorted(counts, key=lambda key: (key[0] == ALL, studies.index(key[0]), order.index(key[1]))):
        cells = (counts[study, name][found] for found in STATES)
        lines.append(f"{study:<{width}}{name:<14}" + "".join(f"{cell or '·':>9}" for cell in cells))
    return "\n".join(lines)


def last_words(log: str) -> str:
    """The error that ended a job, from its log; the last line if there is no error (for instance, killed)."""
    lines = [line for line in Path(log).read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    return (errors or lines or ["it said nothing"])[-1][:200]


def report(jobs: list[Job], needed: set[tuple[str, ...]], records: FilePersistence) -> str:
    """The table, the errors of failed jobs, and whether a run is at work. needed: outputs of the dry run's jobs."""
    locks = [path.stat().st_mtime for path in unlock.LOCKS.glob("*")]
    processes = unlock.alive(Path.cwd())
    since = min(locks) if locks and processes else None
    states = [(job, state(job, job.output in needed, since, records)) for job in jobs]
    lines = [table(states, stages(SNAKEFILE)), ""]
    for job, found in states:
        if found == "failed" and job.log:
            lines.append(f"failed: {job.rule} {' '.join(job.wildcards.values())}: {last_words(job.log)}  ({job.log})")
    if since is not None:
        lines.append(f"A run is at work in this folder (processes {', '.join(map(str, processes))}).")
    elif locks:
        lines.append(
            "This folder is locked, and no process here works in it: a run was killed, or one is at work on another "
            "machine; what is called failed or missing may then be running there."
        )
    waiting = sum(found != "done" for _, found in states)
    lines.append(
        f"{waiting} of {len(jobs)} jobs are to be run: `make plan` says why."
        if waiting
        else f"All {len(jobs)} jobs are done."
    )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    every = [job for job in dry_run(["--forceall", *arguments]) if job.output]
    needed = {job.output for job in dry_run(arguments, quiet=True)}
    print(report(every, needed, FilePersistence(nolock=True)))


if __name__ == "__main__":
    main(sys.argv[1:])
