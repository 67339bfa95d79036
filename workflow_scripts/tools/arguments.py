"""A check that the config files of a command line exist; Snakemake reports a missing one with a traceback.

    python -m workflow_scripts.tools.arguments [arguments of snakemake]

It reads them before any file of ours, so `make` calls this first.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path


def absent(arguments: list[str]) -> list[str]:
    """The files after --configfile (or --configfiles) that do not exist."""
    parser = ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    files = parser.parse_known_args(arguments)[0].configfile
    return [file for file in files if not Path(file).is_file()]


if __name__ == "__main__":
    missing = absent(sys.argv[1:])
    if missing:
        sys.exit(f"error: --configfile: no file {', '.join(missing)} in {Path.cwd().name}/; fix its name or create it")
