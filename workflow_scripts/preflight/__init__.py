"""What every Snakemake command does first: digests of code, damaged files, recovered records."""
