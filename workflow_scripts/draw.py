"""Draw the figures that the outputs name, as PNG and SVG: each has a module in report/figures/registry.py.

A module's READS says which table each named input holds; `of_tables(tables, spec)` draws them, and
`of_study(tables, spec, study)` the figure NAME_STUDY of one of the spec's studies.
"""

from collections import defaultdict
from pathlib import Path

import pandas as pd
from snakemake.script import Snakemake

from workflow_scripts.ticketlab.core.job import logged
from workflow_scripts.ticketlab.report.figures import registry, style
from workflow_scripts.ticketlab.tables import files

snakemake: Snakemake  # put here by Snakemake

with logged(snakemake):
    suffix = "".join(f"_{value}" for value in snakemake.wildcards)  # of the figure of one study
    studies = snakemake.params.spec.get("studies", {})
    paths: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in snakemake.output:
        paths[registry.of_file(Path(path).stem.removesuffix(suffix), studies)].append(path)
    tables: dict[str, pd.DataFrame] = {}
    for (name, study), wanted in paths.items():
        module = registry.module(name)
        for source, contract in module.READS.items():
            if source not in tables:
                found = snakemake.input[source]
                tables[source] = files.read_many([found] if isinstance(found, str) else found, contract)
        spec = snakemake.params.spec
        drawn = module.of_study(tables, spec, study) if study else module.of_tables(tables, spec)
        style.save(drawn, wanted)
