"""Correction of Snakemake's records of how results were made, from the manifests.

Snakemake accepts an output without a record, even if the config has changed, and trusts a record, even if the output
was written again since. Its records are in `.snakemake/`, which a copy of the results alone lacks. Its main process
writes them, which a job in a cluster's queue may outlive, and `--touch` writes records of jobs that never ran. The job
itself writes the manifest. Every Snakemake command therefore first corrects the records by the manifests
(rules/common.smk), and then compares as usual.
"""

from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import damage

PRECISION = 1e-6  # seconds, of a file's time as a floating-point number


def repair(results: str) -> None:
    """Have what is no longer what its job wrote made again, and bring the records in line with the manifests."""
    records = FilePersistence(nolock=True)
    for damaged in damage.everywhere(results):
        logger.warning(f"{damaged}: {damaged.rule} is to make it again.")
        records._mark_incomplete(damaged.path, None)
    recover(results, records)


def recover(results: str, records: FilePersistence) -> None:
    """Write the records of existing outputs where they are missing or belong to another job than the one that ran."""
    for path in damage.manifests(results):
        content = damage.read(path)
        for name, written in content["outputs"].items() if content else ():
            output = f"{results}/{name}"
            if content and Path(output).exists() and not _of(records._read_record(output), content, written):
                record = MetadataRecord(
                    rule=content["rule"],
                    input=content["inputs"],
                    params=content["params"],
                    input_checksums={file: f"sha256:{digest}" for file, digest in content["foreign"].items()},
                    record_format_version=RECORD_FORMAT_VERSION,
                    incomplete=False,
                    endtime=written["mtime_ns"] / 1e9,
                )
                records._write_record(output, record)
    records._clear_cache()


def _of(record: MetadataRecord | None, content: dict[str, Any], written: dict[str, Any]) -> bool:
    """Whether the record belongs to the job of this manifest and was made after the job had written this output.

    An earlier record of an equal job does not suffice: its sums are those of other inputs.
    """
    return (
        record is not None
        and (record.rule, record.input, record.params) == (content["rule"], content["inputs"], content["params"])
        and (record.endtime or 0) >= written["mtime_ns"] / 1e9 - PRECISION
    )
