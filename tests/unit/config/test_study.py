"""The config: what ships is valid, and each mistake ends in one message with the key, the value and what is allowed."""

from functools import reduce
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from workflow_scripts.ticketlab.config.files import overlay, read
from workflow_scripts.ticketlab.config.study import load, validate
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.recorded_steps import choose_checkpoints

ROOT = Path(__file__).parents[3]

OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))


def put(raw, path, value):
    """`raw` with the value at a/b/c replaced."""
    *above, last = path.split("/")
    reduce(lambda mapping, key: mapping.setdefault(key, {}), above, raw)[last] = value
    return raw


def test_what_ships_is_valid(shipped):
    config = validate(shipped)
    assert config.names() == list(config.studies)
    assert {"text", "digits", "markov_chains", "linear_regression", "modular_addition"} <= set(config.names())


@pytest.mark.parametrize("file", OVERLAYS, ids=lambda file: file.name)
def test_every_overlay_is_valid(file):
    config = load([ROOT / "config.yaml", file], {})
    assert set(config.studies) >= {"text", "digits", "modular_addition"}


def test_there_are_overlays():
    assert {file.name for file in OVERLAYS} >= {"quick.yaml", "thorough.yaml", "full.yaml"}


# path, value, and what the message must say: the key, the value, what is allowed.
MISTAKES = [
    ("studies/markov_chains/training/sampling", "epochs", ["studies.markov_chains", "'epochs'", "draws new data"]),
    (
        "colour",
        "red",
        ["top level", "'colour'", "'red'", "results, calibrations, device, numerics, run, calibration"],
    ),
    ("studies/text/colour", "red", ["studies.text:", "'colour'", "'red'", "seeds, first_seed"]),
    (
        "studies/text/training/learnig_rate",
        3,
        ["studies.text.training", "'learnig_rate'", "3", "optimiser, learning_rate"],
    ),
    ("studies/text/task/corpus/pakages", [], ["studies.text.task.corpus:", "'pakages'", "packages"]),
    ("defaults/sedes", 4, ["studies.text:", "'sedes'", "4", "seeds"]),
    ("studies/text/training/learning_rate", "0,1", ["studies.text.training.learning_rate", "'0,1'", "valid number"]),
    ("studies/text/training/learning_rate", float("nan"), ["studies.text.training.learning_rate", "nan", "finite"]),
    ("studies/text/training/steps", 80.5, ["studies.text.training.steps", "80.5", "valid integer"]),
    ("studies/text/training/steps", "800", ["studies.text.training.steps", "'800'", "valid integer"]),
    ("studies/text/training/steps", 0, ["studies.text.training.steps", "0", "greater than 0"]),
    ("studies/text/training/betas", [0.9], ["studies.text.training.betas", "[0.9]", "at least 2"]),
    ("studies/text/checkpoints", True, ["studies.text.checkpoints", "True", "valid integer"]),
    ("studies/text/checkpoints", 2, ["studies.text.checkpoints", "2", "3"]),
    ("studies/text/model", 3, ["studies.text.model", "3", "dictionary"]),
    ("studies/text/model/kind", "cnn", ["studies.text.model", "'cnn'", "'transformer'", "'mlp'"]),
    (
        "studies/text/model",
        {"kind": "mlp", "hidden": [9]},
        ["studies.text:", "model.kind 'mlp'", "'text'", "transformer"],
    ),
    ("studies/text/roles/checkpoints", 2, ["studies.text.roles:", "checkpoints 2", "give 0, or at least 3"]),
    ("studies/text/roles/scores", ["entropy"], ["studies.text:", "forecast", "roles.scores", "ablation"]),
    ("studies/text/model/heads", 7, ["studies.text.model", "40", "7", "multiple"]),
    ("studies/digits/model/hidden", [], ["studies.digits.model.hidden", "[]", "at least 1"]),
    ("studies/text/task/kind", "audio", ["studies.text.task", "'audio'", "'images'", "'text'"]),
    ("studies/digits/task/path", "x.npz", ["studies.digits.task", "source: npz"]),
    ("studies/text/seeds", 6, ["studies.text", "6", "block_size 5"]),
    ("studies/text/seeds", 1000, ["studies.text.seeds", "1000", "less than 1000"]),
    ("studies/text/first_seed", -1, ["studies.text.first_seed", "-1", "greater than or equal to 0"]),
    ("studies/text/first_seed", 996, ["studies.text", "first_seed 996", "seeds 5", "beyond 1000"]),
    ("studies/text/pruning/rewind_steps", [0, 600], ["studies.text", "pruning.rewind_steps", "600", "step 600"]),
    ("studies/text/pruning/mask_steps", [900], ["studies.text", "pruning.mask_steps", "900", "step 600"]),
    ("studies/text/spawning/split_steps", [0, 900], ["studies.text", "spawning.split_steps", "900", "step 600"]),
    ("studies/text/spawning/split_steps", [40], ["studies.text.spawning", "[40]", "must hold 0"]),
    ("studies/text/pruning/control_levels", [2, 9], ["studies.text.pruning", "control_levels", "9", "beyond rounds"]),
    ("studies/text/pruning/total_levels", [5], ["studies.text.pruning", "total_levels", "5", "beyond rounds"]),
    ("studies/text/pruning/clock_level", 7, ["studies.text.pruning", "clock_level", "7", "beyond rounds"]),
    ("studies/text/development/level", 5, ["studies.text", "development.level", "5", "beyond rounds 4"]),
    ("studies/text/pruning/rewind_steps", [0, 0], ["studies.text.pruning", "rewind_steps", "[0, 0]", "repeats"]),
    ("studies/text/supermask/densities", [0.3, 0.3], ["studies.text.supermask", "densities", "[0.3, 0.3]", "repeats"]),
    ("studies/text/pruning/mask_steps", [], ["studies.text.pruning", "mask_at_step needs mask_steps"]),
    ("studies/text/pruning/rewound_controls", ["dense_total"], ["studies.text.pruning", "dense_total", "controls"]),
    ("studies/text/pruning/controls", ["shufled"], ["studies.text.pruning.controls", "'shufled'", "'shuffled'"]),
    (
        "studies/text/resampling/keep",
        ["rest", "random"],
        ["studies.text.resampling", "['rest', 'random']", "hold ticket"],
    ),
    ("studies/text/resampling/keep", ["ticket"], ["studies.text.resampling", "['ticket']", "compare it with"]),
    ("studies/text/pruning/rewind_steps", [30], ["studies.text", "pruning.rewind_steps", "must hold 0"]),
    ("studies/text/supermask", None, ["studies.text", "forecast", "supermasks", "leave forecast out"]),
    ("studies/text/forecast/predicted", 0.4, ["studies.text.forecast", "predicted 0.4", "above"]),
    ("studies/text/pruning/schedule/keep", 1.0, ["studies.text.pruning.schedule.keep", "1.0", "less than 1"]),
    ("studies/text/pruning/schedule/keep_by_tensor", {"a": 0.5}, ["studies.text.pruning.schedule", "layerwise"]),
    ("studies/text/llc/checkpoints", "all", ["studies.text.llc.checkpoints:", "'all'", "valid integer", "valid list"]),
    ("studies/text/llc/checkpoints", [799], ["studies.text", "llc.checkpoints", "[799]", "recorded steps [0, 1,"]),
    ("studies/text/llc_sweep/factors", [60.0], ["studies.text", "llc_sweep.factors", "3", "at most 1"]),
    ("studies/text/llc_sweep/checkpoints", [799], ["studies.text", "llc_sweep.checkpoints", "[799]", "recorded steps"]),
    ("studies/text/llc/chains", 1, ["studies.text.llc.chains", "1", "2"]),
    ("studies/text/judging/margin", -1, ["studies.text.judging.margin", "-1", "greater than 0"]),
    ("studies/text/judging/determined", 0.25, ["studies.text.judging", "determined 0.25", "undetermined 0.25"]),
    ("studies/text/judging/undetermined", 0.9, ["studies.text.judging", "determined 0.75", "undetermined 0.9"]),
    ("studies/text/judging/power", 0.05, ["studies.text.judging", "power 0.05", "alpha 0.05"]),
    ("studies/text/judging/alpha", 0.9, ["studies.text.judging", "power 0.8", "alpha 0.9"]),
    ("studies/text/judging/metric", "bleu", ["studies.text.judging.metric", "'bleu'", "'loss' or 'error'"]),
    (
        "studies/text/structure/split",
        "new_tasks",
        ["studies.text", "structure.split", "'new_tasks'", "train, validation"],
    ),
    ("studies/digits/pruning/schedule/keep_by_tensor", {"layers\n2": "x"}, [r"keep_by_tensor.'layers\n2'", "'x'"]),
    (
        "studies/text/structure/structures",
        ["fourgram"],
        ["studies.text", "structure.structures", "'fourgram'", "bigram"],
    ),
    (
        "studies/text/development/structures",
        ["ridge"],
        ["studies.text", "development.structures", "'ridge'", "unigram, bigram, trigram"],
    ),
    (
        "studies/text/structure/structures",  # all that is traced then, while development looks at bigrams
        ["unigram"],
        ["studies.text", "development.structures", "'bigram'", "what this study traces", "there are unigram"],
    ),
    (
        "studies/digits/roles/scores",
        ["ablation", "induction"],
        [
            "studies.digits",
            "roles.scores",
            "'induction'",
            "task.kind images",
            "model.kind mlp",
            "ablation, selectivity",
        ],
    ),
    (
        "studies/linear_regression/roles/scores",
        ["ablation", "duplicate_token"],
        ["roles.scores", "'duplicate_token'", "entropy, ablation, attention"],
    ),
    ("studies/modular_addition/roles/scores", ["ablation", "attention"], ["roles.scores", "'attention'", "frequency"]),
    ("studies/text/roles/scores", ["ablation", "ablation"], ["studies.text.roles", "scores", "repeats"]),
    ("studies/text/roles/scores", ["inducton"], ["studies.text.roles.scores", "'inducton'", "'induction'"]),
    ("studies/text/structure/structures", ["bigram", "bigram"], ["studies.text.structure", "structures", "repeats"]),
    ("studies/digits/task/test_share", 0.9, ["studies.digits.task", "validation_share + test_share", "below 1"]),
    (
        "studies/modular_addition/task/train_share",
        0.9999,
        ["train_share 0.9999", "1770 pairs"],
    ),
    ("studies/markov_chains/task/evaluation_sequences", 1, ["evaluation_sequences", "1", "2"]),
    ("studies/digits/model/hidden", [10**9], ["studies.digits.model.hidden", "1000000000", "100000"]),
    ("studies/digits/pruning/rounds", 10**9, ["studies.digits.pruning.rounds", "1000"]),
    ("studies/text/training/steps", 10**30, ["studies.text.training.steps", "beyond 1e+15"]),
    ("studies/linear_regression/task/tasks", 3, ["studies.linear_regression.task", "3", "more than dimension 3"]),
    ("studies/text/licensed_by", "vision", ["studies.text.licensed_by", "'vision'", "text, digits"]),
    ("studies/text", 3, ["studies.text", "3", "dictionary"]),
    ("studies", {}, ["studies", "at least 1"]),
    ("studies", None, ["studies:", "None", "mapping"]),
    ("defaults", [1], ["defaults:", "[1]", "mapping"]),
    ("defaults", None, ["defaults:", "None", "mapping"]),
    ("run", ["vision"], ["run", "'vision'", "text, digits"]),
    ("run", "text", ["run", "'text'", "list"]),
    ("run", ["text", "text"], ["run", "repeats", "text"]),
    ("device", "gpu", ["device", "'gpu'", "auto|cpu|cuda"]),
    ("results", None, ["results", "None", "string"]),
    *(("results", path, ["results", repr(path), "path of a folder"]) for path in ("", " ", "~", "~/x", "a{study}")),
    *(("results", path, ["results", repr(path), "folder of its own"]) for path in (".", "a/..", str(Path.cwd()))),
    ("results", "a\nb", ["results", "character"]),
    # on:, yes:, no:, null: and 1: in YAML.
    *(("studies", {name: {}}, ["studies: ", str(name), "quote it"]) for name in (True, False, None, 1)),
    *(("studies", {name: {}}, [name, "pattern"]) for name in ("", "a/b", "..", "Text", "a b", "é", "a{b}")),
    ("studies", {"logs": {}}, ["studies.logs", "folder of the results", "another name"]),
    ("studies", {"a" * 65: {}}, ["studies", "64"]),
]


@pytest.mark.parametrize(("path", "value", "words"), MISTAKES, ids=[f"{path}={value}" for path, value, _ in MISTAKES])
def test_a_mistake_ends_in_one_message(shipped, path, value, words):
    with pytest.raises(TicketlabError) as refusal:
        validate(put(shipped, path, value))
    message = str(refusal.value)
    assert message.startswith("config: ") and "\n" not in message
    assert [word for word in words if word not in message] == [], message


def test_one_folder_of_results_has_one_name(shipped):
    inside, outside = str(Path.cwd() / "a"), "/scratch/run 1"
    written = ["a", "a/", "./a", "a//", "b/../a", inside, inside + "/"]
    assert {validate(shipped | {"results": path}).results for path in written} == {"a"}
    assert validate(shipped | {"results": outside + "/"}).results == outside


def test_a_number_may_be_written_as_yaml_1_1_does_not_know_it(shipped):
    put(shipped, "studies/digits/training/learning_rate", "1e-3")
    put(shipped, "studies/digits/training/betas", ["9e-1", 0.99])
    put(shipped, "studies/digits/pruning/schedule/keep_by_tensor", {"layers.2.weight": "85e-2"})
    put(shipped, "calibration/llc", {"step_sizes": ["1e-5", "5e-6"]})
    config = validate(shipped)
    digits = config.studies["digits"]
    assert digits.training.learning_rate == 0.001 and digits.training.betas == [0.9, 0.99]
    assert digits.pruning.schedule.keep_by_tensor == {"layers.2.weight": 0.85}
    assert config.calibration.llc.step_sizes == [1e-5, 5e-6]
    with pytest.raises(TicketlabError, match=r"learning_rate: .*finite"):
        validate(put(shipped, "studies/digits/training/learning_rate", "nan"))


def test_of_many_mistakes_the_first_are_told(shipped):
    for study in shipped["studies"]:
        put(shipped, f"studies/{study}/training", {})
    with pytest.raises(TicketlabError, match=r"training\.steps: Field required; .* and \d+ more$"):
        validate(shipped)


def test_a_missing_key_is_named(shipped):
    del shipped["studies"]["text"]["training"]["steps"]
    with pytest.raises(TicketlabError, match=r"^config: studies\.text\.training\.steps: Field required$"):
        validate(shipped)


def test_two_mistakes_are_told_at_once(shipped):
    put(shipped, "studies/text/training/steps", 0)
    put(shipped, "studies/digits/llc/chains", 1)
    with pytest.raises(TicketlabError, match=r"studies\.text\.training\.steps: .*; studies\.digits\.llc\.chains: "):
        validate(shipped)


def test_a_study_is_the_defaults_with_its_own_block_over_them(shipped):
    put(shipped, "defaults/judging/alpha", 0.01)
    put(shipped, "studies/digits/block_size", 1)
    config = validate(shipped)
    assert config.studies["text"].seeds == shipped["defaults"]["seeds"]
    assert config.studies["digits"].block_size == 1 != config.studies["text"].block_size
    assert config.studies["text"].judging.alpha == 0.01 and config.studies["text"].judging.metric == "loss"


def test_overlaying_merges_mappings_replaces_lists_and_leaves_its_arguments_alone():
    base, top = {"a": {"b": 1, "c": [1, 2]}, "d": 2}, {"a": {"c": [3]}, "e": {"f": 4}}
    assert overlay(base, top) == {"a": {"b": 1, "c": [3]}, "d": 2, "e": {"f": 4}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 2} and top == {"a": {"c": [3]}, "e": {"f": 4}}


def test_null_removes_what_lies_below_it_in_defaults_in_earlier_files_and_in_an_extended_study(shipped):
    put(shipped, "defaults/roles/examples", 7)
    put(shipped, "studies/text/roles/examples", None)
    put(shipped, "studies/digits/pruning/schedule/keep_by_tensor/layers.2.weight", None)
    top = {"studies": {"text": {"forecast": None}, "linear_regression": None}}
    config = validate(overlay(shipped, top))
    assert config.studies["text"].roles.examples == 128 and config.studies["markov_chains"].roles.examples == 7
    assert config.studies["digits"].pruning.schedule.keep_by_tensor == {}
    assert config.studies["text"].forecast is None and "linear_regression" not in config.studies


def test_null_for_an_experiment_that_runs_by_default_leaves_it_out(shipped):
    put(shipped, "studies/text/barriers", None)
    put(shipped, "studies/text/llc_sweep", None)
    config = validate(shipped)
    assert config.studies["text"].barriers is None is not config.studies["digits"].barriers
    assert config.studies["text"].llc_sweep == config.studies["digits"].llc_sweep


def test_a_required_key_that_null_removes_is_missing(shipped):
    put(shipped, "studies/text/training/steps", None)
    with pytest.raises(TicketlabError, match=r"studies\.text\.training\.steps: Field required"):
        validate(shipped)


def test_a_study_that_extends_another_is_that_one_with_its_own_block_over_it(shipped):
    shipped["studies"]["small"] = {"extends": "text", "model": {"width": 20}, "forecast": None}
    shipped["studies"]["smaller"] = {"extends": "small", "model": {"layers": 1}}
    config = validate(overlay(shipped, {"studies": {"text": {"training": {"steps": 500}}}}))
    small, smaller = config.studies["small"], config.studies["smaller"]
    assert (small.model.width, small.model.layers, smaller.model.width, smaller.model.layers) == (20, 2, 20, 1)
    assert small.training.steps == 500 and smaller.forecast is None and small.resampling is not None
    assert small.task == config.studies["text"].task


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("words", r"studies\.text\.extends: no study 'words'; there are text, digits"),
        (["digits"], r"studies\.text\.extends: no study \['digits'\]"),
        ("text", r"text extends text, a circle; leave one out"),
        ("digits", r"text extends digits extends text, a circle"),
    ],
)
def test_what_extends_no_study_or_itself_is_refused(shipped, extends, said):
    put(shipped, "studies/digits/extends", "text")
    put(shipped, "studies/text/extends", extends)
    with pytest.raises(TicketlabError, match=said):
        validate(shipped)


def test_another_kind_replaces_what_lies_below():
    base = {"corpus": {"kind": "docstrings", "packages": ["numpy"]}}
    assert overlay(base, {"corpus": {"kind": "file", "path": "x"}}) == {"corpus": {"kind": "file", "path": "x"}}
    same = overlay(base, {"corpus": {"kind": "docstrings", "sha256": "0"}})
    assert same == {"corpus": {"kind": "docstrings", "packages": ["numpy"], "sha256": "0"}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [1", "not a readable YAML file"),
        ("- 1\n- 2", "must be a mapping"),
        ("", "must be a mapping"),
        ("!!python/object/apply:os.getcwd []", "not a readable YAML file"),
        ("results: a\nstudies: {}\nresults: b", "not a readable YAML file: 'results' twice.*line 3"),
        ("studies: {text: {seeds: 8, seeds: 16}}", "not a readable YAML file: 'seeds' twice"),
        ("studies:\n  text: {}\n  digits: {}\n  text: {}", "not a readable YAML file: 'text' twice.*line 4"),
        ("studies: &a {text: *a}", "not a readable YAML file: .*recursive"),
        ("&a\nstudies: *a", "not a readable YAML file: .*recursive"),
        ("? [a]\n: 1", "not a readable YAML file"),
        ("a: 2024-99-99", "not a readable YAML file"),
        ("a: !!bool maybe", "not a readable YAML file"),
        ("a: " + "[" * 400, "not a readable YAML file"),
        (b"\x00\x01\x02", "not a readable YAML file"),
        ("results: caf\u00e9".encode("latin-1"), "byte 12 is not UTF-8; save the file in UTF-8"),
        ("results: a".encode("utf-16"), "byte 0 is not UTF-8; save the file in UTF-8"),
    ],
)
def test_a_file_that_is_no_config_is_named(tmp_path, content, words):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TicketlabError, match=rf"mine\.yaml: {words}") as refusal:
        load([ROOT / "config.yaml", file], {})
    assert "\n" not in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_a_config(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes("results: caf\u00e9".encode("utf-8-sig"))
    assert read(file) == {"results": "caf\u00e9"}


def test_json_is_read_as_json(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"results":\t"a\\/b"}')
    assert read(file) == {"results": "a/b"}
    file.write_text('{"run": [], "run": ["text"]}')
    with pytest.raises(TicketlabError, match=r"mine\.json: not a readable JSON file: 'run' twice"):
        read(file)


def test_a_bomb_of_references_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    bomb = "\n".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghi"))
    file.write_text(f"a: &a [x]\n{bomb}")
    with pytest.raises(TicketlabError, match=r"^config: top level: no key 'a'"):
        load([ROOT / "config.yaml", file], {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TicketlabError, match=r"mine: cannot be read"):
        (tmp_path / "mine").mkdir()
        read(tmp_path / "mine")
    with pytest.raises(TicketlabError, match=r"none\.yaml: cannot be read"):
        load([ROOT / "config.yaml", tmp_path / "none.yaml"], {})


def test_later_files_and_overrides_win(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"studies": {"text": {"training": {"steps": 900}}}, "results": "a"}))
    config = load([ROOT / "config.yaml", file], {"results": "b"})
    assert config.studies["text"].training.steps == 900 and config.results == "b"
    assert config.studies["text"].training.batch_size == 16


def test_choosing_llc_checkpoints():
    recorded = [0, 1, 3, 10, 30, 100]
    assert choose_checkpoints(3, recorded) == [0, 3, 100] or choose_checkpoints(3, recorded) == [0, 10, 100]
    assert choose_checkpoints(1, recorded) == [100]
    assert choose_checkpoints(50, recorded) == recorded
    assert choose_checkpoints([3, 100], recorded) == [3, 100]
    with pytest.raises(ValueError, match=r"\[4\] are not among the recorded steps"):
        choose_checkpoints([3, 4], recorded)
