"""The targets of make that call Snakemake.

python -m workflow_scripts.tools.run TARGET --cores=2 --studies="text" --configs=a.yaml -- [arguments of snakemake]
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.tools import answer, command, plan, progress, status, unlock, verify

LOOKS = {"plan": plan.main, "status": status.main, "verify": verify.main}


def start(arguments: Sequence[str]) -> bool:
    """Whether the run with these arguments of Snakemake succeeds; it shows its progress, but a dry run its jobs."""
    progress.register()
    shown = [] if command.is_dry(arguments) else ["--logger", progress.NAME]
    return command.execute([*shown, *arguments])


def main(words: Sequence[str]) -> None:
    parser = ArgumentParser(allow_abbrev=False)
    parser.add_argument("target", choices=command.TARGETS)
    parser.add_argument("--cores", default="")
    parser.add_argument("--studies", default="")
    parser.add_argument("--configs", default="")
    parser.add_argument("--why", action="store_true")
    end = words.index("--")
    given = parser.parse_args(words[:end])
    try:
        command.refuse_unreadable(words[end + 1 :], given.configs)
        arguments = command.compose(given.target, given.cores, given.studies, words[end + 1 :], given.configs)
        if given.target == "answer":
            answer.main(arguments, why=given.why)
        elif given.target in LOOKS:
            LOOKS[given.target](arguments)
        else:
            unlock.main()
            sys.exit(not start(arguments))
    except TicketlabError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")


if __name__ == "__main__":
    main(sys.argv[1:])
