"""A check that the results are what the jobs wrote: it compares every output with the manifest's sha256 sums.

    python -m workflow_scripts.tools.verify --cores N [further arguments of snakemake]

Exit code 1 if any is damaged or missing. A damaged file is touched, so that the next run notices it, too, and makes it
again.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from workflow_scripts.preflight import damage
from workflow_scripts.tools.plan import Job, dry_run


def report(jobs: list[Job]) -> tuple[str, bool]:
    """The report on the outputs of these jobs, and whether all that were ever made are unchanged."""
    made = {job.log: job for job in jobs if job.output and job.log}
    known = {log: job for log, job in made.items() if damage.vouched(log)}
    found = [fault for log in known for fault in damage.of_job(log, whole=True)]
    for fault in found:
        with suppress(OSError):  # missing, or someone else's
            os.utime(fault.path)
    outputs = sum(len(job.output) for job in known.values())
    lines = [f"{fault}  (made by {fault.rule})" for fault in found]
    lines.append(f"{outputs - len(found)} of {outputs} outputs are what their jobs wrote.")
    unknown = sum(os.path.exists(output) for log in {*made} - {*known} for output in made[log].output)
    if unknown:
        lines.append(f"Of {unknown} more there is no sum: they were made before sums were kept, or are being made.")
    if found:
        lines.append("`make run` makes these again, and what follows from them; `make plan` shows it.")
    return "\n".join(lines), not found


def main(arguments: Sequence[str]) -> None:
    text, good = report(dry_run(["--forceall", *arguments]))
    print(text)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
