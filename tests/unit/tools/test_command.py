"""Make's variables compose into one command line of Snakemake, or are refused in one sentence."""

from pathlib import Path

import pytest

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.tools.command import compose, cores, execute, refuse_unreadable


@pytest.mark.parametrize(
    ("name", "studies", "further", "arguments"),
    [
        ("run", "", "", ""),
        ("run", " text  digits ", "", "--config run=[text,digits]"),
        ("run", "text, digits", "", "--config run=[text,digits]"),
        ("run", "text", "--config device=cpu", "--config device=cpu run=[text]"),
        ("run", "", "--config seeds=1 -n --config data=2", "-n --config seeds=1 data=2"),
        ("run", "", "tickets --dry-run", "--dry-run -- tickets"),
        ("run", "text", "-- tickets results/a.parquet", "--config run=[text] -- tickets results/a.parquet"),
        ("run", "", "--config seeds=1 tickets", "--config seeds=1 -- tickets"),
        ("run", "", "--forcerun train_dense judge --until judge", "--forcerun train_dense judge --until judge"),
        ("quick", "", "", "--configfile config/quick.yaml"),
        ("quick", "text", "--configfile a.yaml", "--configfile config/quick.yaml a.yaml --config run=[text]"),
        ("quick", "", "--configfile a b.json tickets", "--configfile config/quick.yaml a b.json -- tickets"),
        ("report", "text", "", "--config run=[text] -- report"),
        ("plan", "text", "--configfile a.yaml", "--configfile a.yaml --config run=[text]"),
    ],
)
def test_the_parts_of_a_command_are_added_to_each_other(name: str, studies: str, further: str, arguments: str) -> None:
    assert compose(name, "3", studies, further.split()) == ["--cores", "3", *arguments.split()]


def test_slurm_takes_the_number_of_jobs_from_its_profile() -> None:
    assert compose("slurm", "", "text", []) == ["--workflow-profile", "profiles/slurm", "--config", "run=[text]"]


@pytest.mark.parametrize(
    ("name", "number", "studies", "further", "sentence"),
    [
        ("run", "two", "", "", "CORES is a number of cores or all, not 'two'"),
        ("run", "0", "", "", "not '0'"),
        ("slurm", "2", "", "", "CORES does not limit Slurm jobs"),
        ("run", "2", "", "--cores 4", "the number of cores is given as CORES=2"),
        ("run", "2", "", "-c4", "the number of cores is given as CORES=2"),
        ("run", "2", "[text]", "", "STUDIES: '[text]' is not the name of a study"),
        ("run", "2", "text", "--config run=[digits]", "both choose studies"),
        ("report", "2", "", "tickets", 'make run ARGS="tickets"'),
        ("run", "2", "", "--config", "expected at least one argument"),
        ("run", "2", "", "--config device", "--config takes KEY=VALUE, not 'device'"),
        ("run", "2", "", "--config 1=2", "not '1=2'"),
        ("run", "2", "", "--dryrunn", "unrecognized arguments: --dryrunn"),
        ("run", "2", "", "--jobs many", "must be integer"),
        ("run", "2", "", "--conf seeds=1", "ambiguous option"),
        ("run", "2", "", "judge --until judge", "write the targets behind all options: -- judge"),
    ],
)
def test_what_cannot_be_combined_is_refused_in_one_sentence(
    name: str, number: str, studies: str, further: str, sentence: str
) -> None:
    with pytest.raises(TicketlabError) as refusal:
        compose(name, number, studies, further.split())
    assert sentence in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("further", ["--groups x", "--default-resources x", "--executor none", "--batch x"])
def test_an_argument_that_snakemake_refuses_while_it_starts_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], further: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text("rule all:\n")
    with pytest.raises(TicketlabError) as refusal:
        execute(["--cores", "1", *further.split()])
    assert str(refusal.value).startswith("ARGS: ") and "Traceback" not in capfd.readouterr().err


def test_config_files_are_laid_over_the_targets_own_and_under_those_of_args(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compose("quick", "1", "", ["--configfile", "c.yaml"], "a.yaml  b.yaml")
    assert found == ["--cores", "1", "--configfile", "config/quick.yaml", "a.yaml", "b.yaml", "c.yaml"]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TicketlabError, match=r"^config: no file gone\.yaml in "):
        refuse_unreadable([], "gone.yaml")


def test_all_cores_are_a_number() -> None:
    assert cores(["--cores", "3", "-n"]) == 3 and cores(["--cores", "all"]) >= 1


def test_a_config_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("run: []")
    refuse_unreadable(["--configfile", "a.yaml", "--config", "seeds=1"])
    for further in (["--configfile=gone.yaml"], ["--configfiles", "a.yaml", "gone.yaml", "-n"]):
        with pytest.raises(TicketlabError) as refusal:
            refuse_unreadable(further)
        assert str(refusal.value) == (f"config: no file gone.yaml in {tmp_path.name}/; fix its name or create it")


def test_a_config_file_over_which_snakemake_ends_in_a_traceback_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("run: []".encode("utf-16"))
    with pytest.raises(TicketlabError, match=r"a\.yaml: byte 0 is not UTF-8"):
        refuse_unreadable(["--configfile", str(tmp_path / "a.yaml")])
