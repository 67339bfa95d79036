"""Snakemake's records of results, corrected by the manifests: how what is there was made.

Snakemake takes an output of which it has no record for good, whatever the config says now, and believes a record
whatever was written since. Its records lie in `.snakemake/`, which a copy of the results alone lacks; they are written
by its main process, which a job in a cluster's queue may outlive; `--touch` writes them of jobs that never ran. The
manifest is written by the job itself. Every Snakemake command therefore first brings the records in line with the
manifests (rules/common.smk), and then compares as ever.
"""

from pathlib import Path
from typing import Any

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from workflow_scripts.preflight import damage

PRECISION = 1e-6  # seconds: of a file's time as a floating-point number


def recover(results: str, records: FilePersistence) -> None:
    """Write the records of outputs that are there and of which they are lacking, or of another job than made them."""
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
    """Is the record of the job that left this manifest, and made after it had written this output?

    An earlier record of an equal job does not do: the sums of its inputs are those of other inputs.
    """
    return (
        record is not None
        and (record.rule, record.input, record.params) == (content["rule"], content["inputs"], content["params"])
        and (record.endtime or 0) >= written["mtime_ns"] / 1e9 - PRECISION
    )
