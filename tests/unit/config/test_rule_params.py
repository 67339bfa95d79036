"""Specs: a rule's spec changes when, and only when, something changes that its script reads."""

import ast
import json
from functools import reduce
from inspect import isfunction
from pathlib import Path

import pytest

from workflow_scripts.ticketlab.config import rule_params
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.core.instruments import INSTRUMENTS
from workflow_scripts.ticketlab.report.figures import registry

ROOT = Path(__file__).parents[3]


# Rules with one job for all studies.
OF_ALL = (
    "judge",
    "figures",
    "draw_calibrations",
    "predict",
    "read_clock",
    "draw_clock",
    "draw_noise",
    "summarise_development",
    "draw_development",
    "summarise_resampling",
    "draw_resampling",
    "draw_forecast",
    "draw_role_courses",
    "draw_compression",
    "measure_deep_linear",
    "summarise_dimension",
    "draw_dimension",
    "report",
)


def all_specs(raw):
    """Every job's spec, by (rule, study, what tells the jobs of a rule and study apart)."""
    config = validate(raw)
    found = {(rule, "", ""): getattr(rule_params, rule)(config) for rule in OF_ALL}
    found |= {("calibrate", "", name): rule_params.calibrate(config, name) for name in INSTRUMENTS}
    for study in config.names():
        settings = config.studies[study]
        one_per_study = (
            "prepare_data",
            "find_supermask",
            "trace_mask_overlap",
            "measure_barriers",
            "measure_compression",
            "trace_structure",
            "sweep_llc",
            "draw_llc_sweep",
            "sweep_rates",
            "draw_rate_sweep",
        )
        for rule in (*one_per_study, "compare_roles", "summarise"):
            found[rule, study, ""] = getattr(rule_params, rule)(config, study)
        for block in rule_params.blocks(config, study):
            found["train_dense", study, block] = rule_params.train_dense(config, study, block)
        for rewind in settings.pruning.rewind_steps:
            for level in range(1, settings.pruning.rounds + 1):
                found["imp_round", study, (rewind, level)] = rule_params.imp_round(config, study, rewind, level)
        for control in settings.pruning.all_controls():
            found["train_controls", study, control] = rule_params.train_controls(config, study, control)
        for rate in settings.pruning.other_rates():
            found["train_rates", study, rate] = rule_params.train_rates(config, study, rate)
        followed = study in rule_params.followed(config)
        for source in ("dense", "split0", *(["course"] if followed else [])):
            found["score_roles", study, source] = rule_params.score_roles(config, study, source)
        if followed:
            found["follow_roles", study, ""] = rule_params.follow_roles(config, study)
        for split in settings.spawning.split_steps:
            found["train_spawned", study, split] = rule_params.train_spawned(config, study, split)
        found["summarise_noise", study, ""] = rule_params.summarise_noise(config, study)
        for size in rule_params.doses(config, study):
            found["vary_noise", study, size] = rule_params.vary_noise(config, study, size)
        if study in rule_params.having(config, "development"):
            found["develop_tickets", study, ""] = rule_params.develop_tickets(config, study)
        if study in rule_params.having(config, "resampling"):
            found["resample_weights", study, ""] = rule_params.resample_weights(config, study)
        if study in rule_params.having(config, "forecast"):
            found["forecast_roles", study, ""] = rule_params.forecast_roles(config, study)
        for source in ("dense", "tickets", "development"):
            found["estimate_llc", study, source] = rule_params.estimate_llc(config, study, source)
    return found


def put(raw, path, value):
    *above, last = path.split("/")
    mapping = reduce(lambda inner, key: inner.setdefault(key, {}), above, raw)
    assert mapping.get(last) != value, "this would change nothing"
    mapping[last] = value
    return raw


NETWORK = {
    "trace_mask_overlap",
    "measure_barriers",
    "trace_structure",
    "score_roles",
    "forecast_roles",
    "estimate_llc",
    "sweep_llc",
    "measure_compression",
}
TRAINED = {
    "train_dense",
    "imp_round",
    "train_controls",
    "train_rates",
    "sweep_rates",
    "find_supermask",
    "train_spawned",
    "resample_weights",
}
READ_BACK = {"figures", "predict", "read_clock", "draw_clock"}
JUDGED = {"summarise", "judge"} | READ_BACK

# Dense networks at some of the steps that the config has recorded.
AT_CHECKPOINTS = {
    "forecast_roles",
    "estimate_llc",
    "sweep_llc",
    "measure_compression",
}

# What is changed in study digits, and the rules of which a job has another spec then; the report has all of it.
CHANGES = [
    ("task/validation_share", 0.2, {"prepare_data"} | NETWORK | TRAINED),
    ("model/hidden", [30], NETWORK | TRAINED),
    ("training/learning_rate", 0.002, TRAINED | {"draw_rate_sweep"}),
    ("training/optimiser", "sgd", TRAINED),
    (
        "training/steps",
        500,
        (NETWORK - {"trace_structure"}) | TRAINED | JUDGED | AT_CHECKPOINTS,
    ),
    (
        "checkpoints",
        20,
        TRAINED - {"train_rates", "sweep_rates", "train_spawned", "resample_weights"} | AT_CHECKPOINTS,
    ),
    (
        "pruning/schedule/keep",
        0.6,
        {"imp_round", "train_controls", "train_rates", "resample_weights", "trace_mask_overlap", "judge"},
    ),
    ("pruning/rounds", 9, set()),
    ("pruning/control_levels", [2, 3, 5, 8], set()),
    ("pruning/controls", ["reinitialised"], set()),
    ("pruning/rewound_controls", ["reinitialised", "shuffled", "random"], set()),
    ("pruning/rates", [0.5, 1.0, 3.0], set()),
    ("rate_sweep/factors", [0.5], {"sweep_rates"}),
    ("pruning/clock_level", 4, {"resample_weights", "trace_mask_overlap"} | READ_BACK),
    ("pruning/mask_steps", [10, 40, 150, 333], {"train_dense", "train_controls"}),
    ("pruning/rewind_steps", [0, 20, 33], {"train_dense"} | READ_BACK),
    ("supermask/steps", 900, {"find_supermask", "forecast_roles"}),
    ("spawning/orders", 4, {"train_spawned"}),
    ("barriers/points", 5, {"measure_barriers"}),
    ("roles/examples", 60, {"score_roles", "compare_roles", "resample_weights", "forecast_roles"}),
    ("roles/checkpoints", 5, {"draw_role_courses"}),
    ("structure/split", "test", {"trace_structure", "figures"}),
    ("llc/draws", 120, {"estimate_llc", "sweep_llc", "draw_llc_sweep"}),
    ("llc_sweep/factors", [0.5], {"sweep_llc"}),
    ("llc/checkpoints", 3, {"estimate_llc", "measure_compression"}),
    ("compression/rise", 0.1, {"measure_compression"}),
    ("compression/control", 0.8, {"predict"}),
    ("judging/margin", 0.5, JUDGED | {"draw_resampling"}),
    ("resampling/keep", ["ticket", "rest"], {"resample_weights"}),
    ("forecast/top_share", 0.5, {"forecast_roles", "draw_forecast", "predict"}),
    ("seeds", 10, set()),
    ("first_seed", 3, {"train_dense"}),
    ("block_size", 1, {"train_dense"}),
    ("licensed_by", "text", {"judge", "calibrate"}),
]


def test_every_rule_is_covered(shipped):
    public = {
        name
        for name, value in vars(rule_params).items()
        if isfunction(value) and value.__module__ == rule_params.__name__
    }
    others = {
        "blocks",
        "followed",
        "wildcard_values",
        "role_sources",
        "first_rewind",
        "least_rewind",
        "clock_level",
        "masked_at_a_step",
        "llc_of_developed",
        "having",
        "doses",
        "external_files",
        "own_model",
        "development_level",
        *("trained", "llc_sources", "released_folders", "procedure"),
        # of studies that none ships in config.yaml: test_released.py
        *("import_checkpoints", "trace_released_masks", "judge_released"),
    }
    rules = {name for name in public if not name.startswith("_")} - others
    assert {rule for rule, _, _ in all_specs(shipped)} == rules


@pytest.mark.parametrize(("path", "value", "rules"), CHANGES, ids=[path for path, _, _ in CHANGES])
def test_a_change_concerns_the_rules_that_read_it_in_its_study_alone(shipped, path, value, rules):
    before = all_specs(shipped)
    after = all_specs(put(shipped, f"studies/digits/{path}", value))
    changed = {key for key in before if key in after and before[key] != after[key]}
    assert {rule for rule, _, _ in changed} == rules | {"report"}
    assert {study for _, study, _ in changed} <= {"digits", ""}


def test_each_procedure_that_needs_a_licence_is_tried_once_by_the_calibration_of_pruning(shipped):
    """markov_chains and linear_regression share one; digits, which nothing licenses, needs none."""
    tried = rule_params.calibrate(validate(shipped), "pruning")["procedures"]
    judged = {name: spec["procedure"] for name, spec in rule_params.judge(validate(shipped))["studies"].items()}
    assert [tried.count(judged[name]) for name in judged] == [name != "digits" for name in judged]
    assert len(tried) == 3 and judged["markov_chains"] == judged["linear_regression"]
    assert "procedures" not in rule_params.calibrate(validate(shipped), "roles")


def test_one_more_dose_of_noise_leaves_the_finished_ones_alone(shipped):
    before = all_specs(shipped)
    doses = shipped["studies"]["modular_addition"]["noise"]["batch_sizes"]
    after = all_specs(put(shipped, "studies/modular_addition/noise/batch_sizes", [*doses, 4096]))
    changed = {key for key in after if before.get(key) != after[key]}
    study = "modular_addition"
    assert changed == {("vary_noise", study, 4096), ("summarise_noise", study, ""), ("report", "", "")}


def test_the_bounds_of_a_prediction_measure_nothing_again(shipped):
    before = all_specs(shipped)
    after = all_specs(put(shipped, "dimension/slope_tolerance", 0.3))
    assert {rule for rule, _, _ in after if any(before[key] != after[key] for key in after if key[0] == rule)} == {
        "predict",
        "report",
    }


def test_a_dose_differs_from_the_studys_own_recipe_in_the_batch_size_alone(shipped):
    found = all_specs(shipped)
    dose, dense = found["vary_noise", "modular_addition", 64], found["train_dense", "modular_addition", 0]
    assert dose["training"] == dense["training"] | {"batch_size": 64} != dense["training"]


DEVELOPMENT = [
    ("development/structures", ["bigram"], {"develop_tickets", "draw_development"}),
    ("development/llc_checkpoints", 2, {"develop_tickets", "estimate_llc development"}),
    ("development/level", 3, {"develop_tickets"}),
    (
        "pruning/clock_level",
        3,
        {"develop_tickets", "resample_weights", "trace_mask_overlap"} | READ_BACK,
    ),
    (
        "judging/margin",
        0.5,
        JUDGED | {"summarise_development", "draw_development", "draw_resampling"},
    ),
]


@pytest.mark.parametrize(("path", "value", "rules"), DEVELOPMENT, ids=[path for path, _, _ in DEVELOPMENT])
def test_tickets_are_developed_anew_only_if_their_own_settings_change(shipped, path, value, rules):
    before = all_specs(shipped)
    after = all_specs(put(shipped, f"studies/markov_chains/{path}", value))
    changed = {key for key in after if before.get(key) != after[key]}
    named = {f"{rule} {name}" if rule == "estimate_llc" else rule for rule, _, name in changed}
    assert named == rules | {"report"}


def test_coefficients_of_tickets_stand_at_steps_of_the_dense_networks(shipped):
    found = all_specs(shipped)
    steps = found["estimate_llc", "modular_addition", "development"]["steps"]
    assert set(steps) <= set(found["estimate_llc", "modular_addition", "dense"]["steps"])
    assert steps == found["develop_tickets", "modular_addition", ""]["llc_steps"] and len(steps) > 2


def test_roles_along_training_are_scored_at_stored_steps_before_the_last_and_leave_the_others_alone(shipped):
    """The networks' ends are scored by other jobs."""
    before = all_specs(shipped)
    steps = before["score_roles", "text", "course"]["steps"]
    assert {*steps} < {*before["train_dense", "text", 0]["checkpoints"]}
    assert len(steps) == 7 and steps[0] == 0 and max(steps) < 600
    after = all_specs(put(shipped, "studies/text/roles/checkpoints", 5))
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("score_roles", "text", "course"), ("report", "", "")}
    after = all_specs(put(shipped, "studies/text/roles/checkpoints", 0))
    gone = {("score_roles", "text", "course"), ("follow_roles", "text", "")}
    assert before.keys() - after.keys() == gone
    assert {key for key in after if before[key] != after[key]} == {("draw_role_courses", "", ""), ("report", "", "")}


def test_a_change_of_mask_steps_concerns_one_control(shipped):
    before = all_specs(shipped)
    after = all_specs(put(shipped, "studies/digits/pruning/mask_steps", [10, 40]))
    changed = {key for key in before if before[key] != after[key]}
    assert {name for rule, _, name in changed if rule == "train_controls"} == {"mask_at_step"}


def test_the_checkpoints_of_the_llc_concern_dense_networks(shipped):
    before = all_specs(shipped)
    after = all_specs(put(shipped, "studies/digits/llc/checkpoints", 3))
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("estimate_llc", "digits", "dense"), ("measure_compression", "digits", ""), ("report", "", "")}


ADDITIONS = [
    ("pruning/rounds", 9, {("imp_round", "digits", (0, 9)), ("imp_round", "digits", (20, 9))}),
    ("seeds", 10, {("train_dense", "digits", 1)}),
    (
        "pruning/controls",
        ["reinitialised", "shuffled", "random", "one_shot"],
        {("train_controls", "digits", "one_shot")},
    ),
]


@pytest.mark.parametrize(("path", "value", "added"), ADDITIONS, ids=[path for path, _, _ in ADDITIONS])
def test_a_round_a_seed_block_or_a_control_more_leaves_finished_jobs_alone(shipped, path, value, added):
    put(shipped, "studies/digits/pruning/controls", ["reinitialised", "shuffled", "random"])
    put(shipped, "studies/digits/pruning/mask_steps", [])
    before = all_specs(shipped)
    after = all_specs(put(shipped, f"studies/digits/{path}", value))
    assert {key for key in before if after[key] != before[key]} == {("report", "", "")}
    assert after.keys() - before.keys() == added


def test_a_study_more_leaves_finished_jobs_alone_but_the_last(shipped):
    before = all_specs(shipped)
    shipped["studies"]["more"] = shipped["studies"]["digits"]
    after = all_specs(shipped)
    changed = {rule for rule, _, _ in (key for key in before if after[key] != before[key])}
    drawn = {"draw_resampling", "draw_forecast"}
    assert changed == {"judge", "summarise_resampling", "report"} | READ_BACK | drawn


def test_running_one_study_leaves_its_jobs_alone(shipped):
    before = all_specs(shipped)
    after = all_specs(put(shipped, "run", ["digits"]))
    assert {study for _, study, _ in after} == {"digits", ""}
    assert all(after[key] == before[key] for key in after if key[0] not in OF_ALL)


def test_specs_are_json_and_nothing_else(shipped):
    for key, spec in all_specs(shipped).items():
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec, key


def sources(rule):
    """The code in which a rule's script, or the figures that it draws, may read the spec."""
    several = {"figures": rule_params.FIGURES, "draw_calibrations": [f"calibration_{name}" for name in INSTRUMENTS]}
    figures = several.get(rule, [rule.removeprefix("draw_")] if "draw_" in rule else [])
    if not figures:
        return [ast.parse((ROOT / f"workflow_scripts/{rule}.py").read_text(encoding="utf-8"))]
    files = [ROOT / f"{registry.FIGURES[name].replace('.', '/')}.py" for name in figures]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    return [node for tree in trees for node in tree.body if getattr(node, "name", "") == "of_tables"]


def keys_read(rule):
    """The keys of `spec` that a rule reads, with those that open_study reads for it."""
    tree = ast.Module(sources(rule), [])
    read = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and ast.unparse(node.value) in ("spec", "snakemake.params.spec")
    }
    opens = any(isinstance(node, ast.Name) and node.id == "open_study" for node in ast.walk(tree))
    return read | ({"study", "device", "task", "model"} if opens else set())


def test_a_spec_holds_what_its_script_reads_and_nothing_else(shipped):
    for (rule, _, _), spec in all_specs(shipped).items():
        if rule in ("calibrate", "measure_deep_linear"):
            continue  # a whole section, which its settings class reads and nothing else would accept
        assert set(spec) - {"study"} == keys_read(rule) - {"study"}, rule  # every spec may name its study


@pytest.mark.parametrize("first", [0, 3])
def test_blocks_cover_the_seeds_from_the_first(shipped, first):
    config = validate(shipped | {"defaults": shipped["defaults"] | {"first_seed": first}})
    for study, settings in config.studies.items():
        seeds = [
            seed
            for block in rule_params.blocks(config, study)
            for seed in rule_params.train_dense(config, study, block)["seeds"]
        ]
        assert seeds == list(range(first, first + settings.seeds))


def test_dense_networks_are_kept_wherever_something_starts_from_them(shipped):
    for study, settings in validate(shipped).studies.items():
        spec = rule_params.train_dense(validate(shipped), study, 0)
        starts = {0, *settings.pruning.rewind_steps, *settings.spawning.split_steps}
        assert starts == set(spec["resume_steps"]) <= set(spec["checkpoints"])
        assert {*settings.pruning.mask_steps, settings.training.steps} <= set(spec["checkpoints"])
        assert set(rule_params.estimate_llc(validate(shipped), study, "dense")["steps"]) <= set(spec["checkpoints"])


def test_the_users_files_are_seen(shipped, tmp_path):
    config = validate(shipped)
    assert rule_params.external_files(config, "text") == rule_params.external_files(config, "digits") == []
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text("x")
    corpus = shipped["studies"]["text"]["task"]["corpus"]
    for path, files in ((tmp_path, ["a.txt", "b.txt"]), (tmp_path / "a.txt", ["a.txt"])):
        corpus.clear()
        corpus.update(kind="file", path=str(path))
        assert rule_params.external_files(validate(shipped), "text") == [str(tmp_path / name) for name in files]
    corpus.update(path=str(tmp_path / "none.txt"))
    assert rule_params.external_files(validate(shipped), "text") == [str(tmp_path / "none.txt")]
