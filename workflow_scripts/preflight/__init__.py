"""The first steps of every Snakemake command: digests of code, damaged files, recovered records."""
