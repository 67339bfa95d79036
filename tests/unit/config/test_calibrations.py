"""Which file holds a calibration: one for all results that rest on the same settings, another for other settings."""

from pathlib import Path
from typing import Any

from workflow_scripts.ticketlab.config import calibrations
from workflow_scripts.ticketlab.config.study import Config, load
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS

ROOT = Path(__file__).parents[3]
SHIPPED = load([ROOT / "config.yaml"], {})


def config(**overrides: Any) -> Config:
    return load([ROOT / "config.yaml"], overrides)


def paths(**overrides: Any) -> dict[str, str]:
    return dict(zip(INSTRUMENTS, calibrations.paths(config(**overrides), SHIPPED), strict=True))


def changed(**overrides: Any) -> set[str]:
    """The instruments whose calibration is in another file than the default run's."""
    return {name for name, path in paths(**overrides).items() if path != paths()[name]}


def test_those_of_the_default_run_have_the_instruments_names() -> None:
    assert paths() == {name: f"results/calibration/{name}.parquet" for name in INSTRUMENTS}
    assert calibrations.paths(SHIPPED, SHIPPED, calibrations.BENCHMARK) == [
        f"results/benchmarks/calibrate/{name}.tsv" for name in INSTRUMENTS
    ]


def test_the_rule_writes_where_they_are_looked_for() -> None:
    written = (ROOT / "rules/calibration.smk").read_text(encoding="utf-8")
    assert all(f'calibrated("{pattern}")' in written for pattern in (calibrations.PATTERN, calibrations.BENCHMARK))


def test_a_text_of_ones_own_shares_those_of_the_small_run() -> None:
    small = load([ROOT / "config.yaml", ROOT / "config/small.yaml"], {})
    own = {"task": {"corpus": {"kind": "file", "path": "mine.txt"}}}
    mine = load(
        [ROOT / "config.yaml", ROOT / "config/small.yaml"], {"results": "results/mine", "studies": {"text": own}}
    )
    assert calibrations.paths(mine, SHIPPED) == calibrations.paths(small, SHIPPED)
    assert not set(calibrations.paths(small, SHIPPED)) & set(calibrations.paths(SHIPPED, SHIPPED))


def test_the_small_run_is_calibrated_at_its_own_numbers_of_seeds_and_by_its_own_procedures() -> None:
    """Where verdicts of few seeds rest on intervals that were tried with more, nothing licenses them."""
    small = load([ROOT / "config.yaml", ROOT / "config/small.yaml"], {})
    seeds = {study.seeds for study in small.studies.values()}
    assert seeds == {small.calibration.statistics.seeds} and seeds <= {small.calibration.pruning.seeds}
    for name, study in small.studies.items():
        assert study.judging == SHIPPED.studies[name].judging
        sparsest = study.pruning.schedule.keep ** max(study.pruning.control_levels)
        assert sparsest <= study.judging.sparse, f"{name} looks at no sparse ticket"


def test_another_folder_of_results_another_corpus_or_fewer_studies_share_them() -> None:
    own = {"task": {"corpus": {"kind": "file", "path": "mine.txt"}}}
    assert changed(results="elsewhere/mine", run=["text"], studies={"text": own}, device="cpu") == set()


def test_each_set_of_settings_has_a_file_of_its_own_and_leaves_the_other_instruments_alone() -> None:
    few, fewer = ({"calibration": {"structure": {"simulations": number}}} for number in (4, 5))
    assert changed(**few) == {"structure"}
    assert paths(**few) == paths(**few, results="elsewhere")
    assert paths(**few)["structure"] != paths(**fewer)["structure"]


def test_a_procedure_that_nothing_tried_yet_needs_another_calibration_of_pruning() -> None:
    assert changed(studies={"text": {"pruning": {"schedule": {"keep": 0.6}}}}) == {"pruning"}
    assert changed(studies={"text": {"pruning": {"rounds": 5}}}) == set()


def test_numbers_of_other_instructions_rest_on_calibrations_by_these() -> None:
    assert changed(numerics="native") == set(INSTRUMENTS)


def test_they_are_in_the_folder_that_the_config_names() -> None:
    assert set(paths(calibrations="shared/").values()) == {f"shared/calibration/{name}.parquet" for name in INSTRUMENTS}
