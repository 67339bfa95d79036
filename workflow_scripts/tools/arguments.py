"""Are the config files of a command line there? Snakemake answers one that is not with a traceback.

    python -m workflow_scripts.tools.arguments [arguments of snakemake]

It reads them before any file of ours, so `make` asks here first.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path


def absent(arguments: list[str]) -> list[str]:
    """The files after --configfile (or --configfiles) that are not there."""
    parser = ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    files = parser.parse_known_args(arguments)[0].configfile
    return [file for file in files if not Path(file).is_file()]


if __name__ == "__main__":
    missing = absent(sys.argv[1:])
    if missing:
        sys.exit(f"error: --configfile: no file {', '.join(missing)} in {Path.cwd().name}/; mend its name or create it")
