"""The Snakemake arguments of a target of make, from the variables CORES, STUDIES, CONFIG and ARGS given with it."""

import io
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from snakemake import cli

from workflow_scripts.ticketlab.config import study
from workflow_scripts.ticketlab.config.files import read
from workflow_scripts.ticketlab.config.study import Config
from workflow_scripts.ticketlab.core.errors import TicketlabError

ROOT = Path(__file__).parents[2]
CONFIG_FILES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Target:
    """What a target of make adds to the arguments that are given with it."""

    options: tuple[str, ...] = ()
    configfiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


TARGETS = {
    "run": Target(),
    "quick": Target(configfiles=("config/quick.yaml",)),
    "slurm": Target(options=("--workflow-profile", "profiles/slurm")),
    "report": Target(targets=("report",)),
    "answer": Target(),
    "plan": Target(),
    "status": Target(),
    "verify": Target(),
}


@dataclass(frozen=True)
class Words:
    """The words of ARGS by kind: settings and files of a config, targets at the end, and all others in their order."""

    settings: list[str]
    files: list[str]
    targets: list[str]
    others: list[str]


def compose(name: str, cores: str, studies: str, further: Sequence[str], configs: str = "") -> list[str]:
    """Snakemake's arguments for make's target `name`; a TicketlabError for what cannot be combined.

    cores: a number or "all"; empty for `slurm`. studies: names with spaces or commas between them; empty for those of
    the config. further: the words of ARGS. configs: config files, laid over the target's in this order.
    Settings and config files among the words of ARGS are added to those of the target and of STUDIES; Snakemake by
    itself lets a later --config or --configfile replace an earlier one.
    """
    target, given = TARGETS[name], parts(further)
    settings, targets = given.settings, given.targets
    if name == "slurm" and cores:
        raise TicketlabError('CORES does not limit Slurm jobs; ARGS="--jobs 10" says how many there are at a time')
    if name != "slurm" and not re.fullmatch("all|0*[1-9][0-9]*", cores):
        raise TicketlabError(f"CORES is a number of cores or all, not {cores!r}")
    chosen = re.split(r"[\s,]+", studies.strip(" ,")) if studies.strip(" ,") else []
    for word in chosen:
        if not re.fullmatch(r"\w+", word):
            raise TicketlabError(f'STUDIES: {word!r} is not the name of a study; write STUDIES="text digits"')
    if chosen and any(setting.startswith("run=") for setting in settings):
        raise TicketlabError("STUDIES and --config run=… both choose studies; give one of them")
    if target.targets and targets:
        raise TicketlabError(f'make {name} has its own target; for another: make run ARGS="{" ".join(targets)}"')
    return [
        *(["--cores", cores] if cores else []),
        *target.options,
        *given.others,
        *_option("--configfile", [*target.configfiles, *configs.split(), *given.files]),
        *_option("--config", [*settings, *([f"run=[{','.join(chosen)}]"] if chosen else [])]),
        *_option("--", [*target.targets, *targets]),
    ]


def parts(further: Sequence[str]) -> Words:
    """The words of ARGS by kind; a TicketlabError where Snakemake would not understand them.

    Snakemake takes every word after --config or --configfile for one more setting or file, a target, too. Here a later
    word is a target if it has no "=" or, after --configfile, ends in none of CONFIG_FILES.
    """
    end = further.index("--") if "--" in further else len(further)
    parser = ArgumentParser(allow_abbrev=False, add_help=False)
    for names in (("--config", "-C"), ("--configfile", "--configfiles")):
        parser.add_argument(*names, nargs="+", action="append", default=[])
    with one_sentence():
        found, others = parser.parse_known_args(further[:end])
        seen = cli.get_argument_parser().parse_args(others)
    if seen.cores is not None:
        raise TicketlabError("ARGS: the number of cores is given as CORES=2")
    settings, files, targets = [], [], []
    for first, *more in found.config:
        settings += [first, *(word for word in more if "=" in word)]
        targets += [word for word in more if "=" not in word]
    for first, *more in found.configfile:
        files += [first, *(word for word in more if word.endswith(CONFIG_FILES))]
        targets += [word for word in more if not word.endswith(CONFIG_FILES)]
    for setting in settings:
        if not re.match(r"[a-zA-Z_][\w-]*\w=", setting):
            raise TicketlabError(f"ARGS: --config takes KEY=VALUE, not {setting!r}")
    targets += further[end + 1 :]
    # Snakemake takes targets in one place only.
    early = [word for word in others if word in seen.targets]
    if len(early) != len(seen.targets):
        raise TicketlabError(f"ARGS: write the targets behind all options: -- {' '.join([*seen.targets, *targets])}")
    return Words(settings, files, [*early, *targets], [word for word in others if word not in early])


def refuse_unreadable(further: Sequence[str], configs: str = "") -> None:
    """A TicketlabError for config files of CONFIG or ARGS that cannot be read; Snakemake shows a traceback."""
    files = [Path(file) for file in [*configs.split(), *parts(further).files]]
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        here = Path.cwd().name
        raise TicketlabError(f"config: no file {', '.join(absent)} in {here}/; fix its name or create it")
    for file in files:
        read(file)


def execute(arguments: Sequence[str]) -> bool:
    """Whether Snakemake with these arguments succeeds; a TicketlabError for arguments that it does not understand."""
    with one_sentence():
        parser, understood = cli.parse_args(list(arguments))
    with one_sentence(quiet=False):  # what it does, and its own errors, are told inside
        return cli.args_to_api(understood, parser)


def cores(arguments: Sequence[str]) -> int:
    """The number of jobs at a time in Snakemake's arguments; `all` is the number of cores here."""
    return cli.get_argument_parser().parse_args(list(arguments)).cores or 1


def config_of(arguments: Sequence[str]) -> Config:
    """The config of these arguments of Snakemake."""
    given = cli.get_argument_parser().parse_args(list(arguments))
    return study.load([ROOT / "config.yaml", *given.configfile], dict(cli.parse_config(given.config)))


def is_dry(arguments: Sequence[str]) -> bool:
    return cli.get_argument_parser().parse_args(list(arguments)).dryrun


@contextmanager
def one_sentence(*, quiet: bool = True) -> Iterator[None]:
    """Turns Snakemake's objection to an argument, with its usage or a traceback, into one sentence."""
    said = io.StringIO()
    try:
        with redirect_stderr(said) if quiet else nullcontext():
            yield
    except SystemExit as end:
        if not end.code:  # --help
            raise
        raise TicketlabError(f"ARGS: {said.getvalue().strip().rpartition('rror: ')[2]}") from None
    except Exception as error:
        raise TicketlabError(f"ARGS: {error}") from error


def _option(name: str, values: list[str]) -> list[str]:
    return [name, *values] if values else []
