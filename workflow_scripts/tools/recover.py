"""Snakemake's records of results that came without them, from the manifests: how the outputs were made.

Snakemake takes an output of which it has no record for good, whatever the config says now. Its records lie in
`.snakemake/`, which a copy of the results alone lacks. Every Snakemake command therefore writes them anew where they
are lacking (rules/common.smk), and then compares as ever.
"""

from pathlib import Path

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from workflow_scripts.tools import damage


def recover(results: str, records: FilePersistence) -> None:
    """Write the records that are lacking of outputs that are there."""
    for path in damage.manifests(results):
        content = damage.read(path)
        for name in content["outputs"] if content else ():
            output = f"{results}/{name}"
            if content and Path(output).exists() and records._read_record(output) is None:
                record = MetadataRecord(
                    rule=content["rule"],
                    input=content["inputs"],
                    params=content["params"],
                    input_checksums={file: f"sha256:{digest}" for file, digest in content["foreign"].items()},
                    record_format_version=RECORD_FORMAT_VERSION,
                    incomplete=False,
                )
                records._write_record(output, record)
    records._clear_cache()
