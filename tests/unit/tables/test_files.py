"""The Parquet contracts: round trips, equal bytes, whole files only, and every kind of wrong file refused by name."""

import random
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.conftest import ROOT
from tests.contracts import CONTRACTS
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables import files, schemas, stacks
from workflow_scripts.ticketlab.tables.schemas.networks import MASKS, METRICS, WEIGHTS
from workflow_scripts.ticketlab.tables.schemas.table import Table
from workflow_scripts.ticketlab.training.stack import Member

PROVENANCE = {"spec": "s", "code": "c", "lock": "l", "packages": {"numpy": "0"}}
SHAPES = st.lists(st.integers(1, 5), max_size=3).map(tuple)
FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


def keys(count=2, **changes):
    return [Member(seed, seed, **changes).keys() for seed in range(count)]


def metrics_frame(count=3):
    return pd.DataFrame(
        {
            "study": "digits",
            **pd.DataFrame(keys(count)),
            "step": 5,
            "density": 0.5,
            "emptied": "",
            "split": "test",
            "metric": "loss",
            "value": np.linspace(0.1, 0.3, count),
        }
    )


def write_weights(path, steps=(0, 5), tensors=None, count=2):
    if tensors is None:
        tensors = {("weight", "a"): np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)}
    with stacks.writing(path, WEIGHTS, PROVENANCE) as writer:
        for step in steps:
            writer.add("digits", step, keys(count), tensors)


def example_value(kind: pa.DataType, row: int):
    if pa.types.is_list(kind):
        return [example_value(kind.value_type, row), example_value(kind.value_type, row + 1)]
    if pa.types.is_string(kind):
        return f"s{row}"
    if pa.types.is_boolean(kind):
        return bool(row % 2)
    return row if pa.types.is_integer(kind) else row + 0.5


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_table_comes_back_as_it_was_written(tmp_path, name):
    contract = CONTRACTS[name]
    frame = pd.DataFrame(
        {column: [example_value(kind, row) for row in range(3)] for column, kind in contract.columns.items()}
    )
    files.write(tmp_path / "t.parquet", contract, frame[list(contract.columns)[::-1]], PROVENANCE, facts={"a": 1})
    back = files.read(tmp_path / "t.parquet", contract)
    assert pa.Table.from_pandas(back, schema=contract.schema).to_pylist() == frame.to_dict("records")
    assert files.facts(tmp_path / "t.parquet", contract)["facts"] == {"a": 1}
    assert files.facts(tmp_path / "t.parquet", contract)["code"] == "c"


@settings(max_examples=25, deadline=None)
@given(data=st.data(), count=st.integers(1, 3), shapes=st.lists(SHAPES, min_size=1, max_size=3))
def test_weights_of_any_shape_come_back_bit_for_bit(tmp_path_factory, data, count, shapes):
    path = tmp_path_factory.mktemp("weights") / "w.parquet"
    steps = {}
    with stacks.writing(path, WEIGHTS, PROVENANCE) as writer:
        for step in (0, 7):
            tensors = {
                (slot, f"t{index}"): data.draw(arrays.arrays(np.float32, (count, *shape), elements=FLOATS))
                for slot in ("weight", "exp_avg")
                for index, shape in enumerate(shapes)
            }
            writer.add("digits", step, keys(count), tensors)
            steps[step] = tensors
    assert stacks.steps(path, WEIGHTS) == [0, 7]
    for step, tensors in steps.items():
        back = stacks.read_stack(path, WEIGHTS, step, ("weight", "exp_avg"))
        assert back.step == step and back.keys == keys(count) and list(back.tensors) == list(tensors)
        for label, array in tensors.items():
            assert back.tensors[label].dtype == np.float32
            assert back.tensors[label].tobytes() == array.tobytes() and back.tensors[label].shape == array.shape
        assert set(stacks.read_stack(path, WEIGHTS, step).tensors) == {label for label in tensors if "weight" in label}


@settings(max_examples=25, deadline=None)
@given(data=st.data(), count=st.integers(1, 3), shapes=st.lists(SHAPES, min_size=1, max_size=3))
def test_masks_of_any_shape_come_back_with_their_density(tmp_path_factory, data, count, shapes):
    path = tmp_path_factory.mktemp("masks") / "m.parquet"
    masks = {(f"t{i}",): data.draw(arrays.arrays(bool, (count, *shape))) for i, shape in enumerate(shapes)}
    with stacks.writing(path, MASKS, PROVENANCE) as writer:
        writer.add("digits", 3, keys(count), {label: mask.astype(np.float32) for label, mask in masks.items()})
    back = stacks.read_stack(path, MASKS, 3)
    assert all((back.tensors[label] == mask).all() for label, mask in masks.items())
    frame = files.read(path, MASKS)
    assert frame["density"].tolist() == pytest.approx([kept.mean() for kept in frame["kept"]])


def test_stacks_added_one_after_another_at_one_step_are_read_as_one(tmp_path):
    """Controls of several rewind steps end at the same step and are in the same file."""
    path = tmp_path / "w.parquet"
    random_numbers = np.random.default_rng(0)
    first, second = ({("weight", t): random_numbers.random((2, 3), "float32") for t in "ab"} for _ in range(2))
    with stacks.writing(path, WEIGHTS, PROVENANCE) as writer:
        writer.add("digits", 9, keys(2, rewind_step=0), first)
        writer.add("digits", 9, keys(2, rewind_step=4), second)
    back = stacks.read_stack(path, WEIGHTS, 9)
    assert [row["rewind_step"] for row in back.keys] == [0, 0, 4, 4]
    for label, array in back.tensors.items():
        np.testing.assert_array_equal(array, np.concatenate([first[label], second[label]]))


def test_the_same_rows_make_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        write_weights(tmp_path / folder / "w.parquet")
        files.write(tmp_path / folder / "m.parquet", METRICS, metrics_frame(), PROVENANCE)
    for file in ("w.parquet", "m.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_rows_with_the_same_keys_are_refused(tmp_path):
    frame = pd.concat([metrics_frame(), metrics_frame(1).assign(value=9.0)])
    with pytest.raises(TicketlabError, match=r"m\.parquet: table metrics has two rows for .*'init_seed': 0"):
        files.write(tmp_path / "m.parquet", METRICS, frame, PROVENANCE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("second", [{"step": 5, "networks": 2}, {"step": 6, "networks": "twice"}])
def test_a_network_that_is_added_twice_is_refused(tmp_path, second):
    array = np.zeros((2, 3), np.float32)
    networks = keys(2) if second["networks"] == 2 else [keys(1)[0]] * 2
    with (
        pytest.raises(TicketlabError, match="two rows for a network at step"),
        stacks.writing(tmp_path / "w.parquet", WEIGHTS, PROVENANCE) as writer,
    ):
        writer.add("digits", 5, keys(2), {("weight", "a"): array})
        writer.add("digits", second["step"], networks, {("weight", "a"): array})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [lambda f: f.drop(columns="value"), lambda f: f.assign(extra=1)])
def test_wrong_columns_are_not_written(tmp_path, change):
    with pytest.raises(TicketlabError, match=r"m\.parquet: table metrics has the wrong columns, see (value|extra)"):
        files.write(tmp_path / "m.parquet", METRICS, change(metrics_frame()), PROVENANCE)
    assert not list(tmp_path.iterdir())


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Interrupted])
@pytest.mark.parametrize("before", [None, b"the old file"])
def test_an_interrupted_stack_leaves_what_was_there_and_nothing_else(tmp_path, error, before):
    path = tmp_path / "w.parquet"
    if before:
        path.write_bytes(before)
    with pytest.raises(error), stacks.writing(path, WEIGHTS, PROVENANCE) as writer:
        writer.add("digits", 0, keys(2), {("weight", "a"): np.zeros((2, 3), np.float32)})
        raise error
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == ([(path.name, before)] if before else [])


def test_an_interrupted_table_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "m.parquet"
    files.write(path, METRICS, metrics_frame(), PROVENANCE)
    before = path.read_bytes()

    def half_written(table, target, **options):
        Path(target).write_bytes(b"PAR1 half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", half_written)
    with pytest.raises(KeyboardInterrupt):
        files.write(path, METRICS, metrics_frame(1), PROVENANCE)
    assert [file.name for file in tmp_path.iterdir()] == [path.name] and path.read_bytes() == before


def other_version(path):
    table = pq.read_table(path)
    metadata = {
        key: value.replace(b'"version": 1', b'"version": 99') for key, value in (table.schema.metadata or {}).items()
    }
    pq.write_table(table.replace_schema_metadata(metadata), path)


def without_column(path):
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["value"]), path)


def of_another_type(path):
    table = pq.read_table(path)
    place = table.column_names.index("value")
    pq.write_table(table.set_column(place, "value", table["value"].cast(pa.float32())), path)


def foreign(path):
    pq.write_table(pa.table({"x": [1, 2]}), path)


FAULTS = {
    "missing": (lambda path: path.unlink(), "does not exist"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "does not exist"),
    "empty": (lambda path: path.write_bytes(b""), "is not a whole Parquet file"),
    "text": (lambda path: path.write_text("study,step\n"), "is not a whole Parquet file"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is not a whole Parquet file"),
    "cut in the middle": (lambda path: path.write_bytes(path.read_bytes()[:900]), "is not a whole Parquet file"),
    "foreign": (foreign, "is not one of our tables"),
    "another version": (other_version, "is version 99, not 1"),
    "a column less": (without_column, "has other columns (value: double)"),
    "a column of another type": (of_another_type, "has other columns (value: double, value: float)"),
    "another table": (lambda path: write_weights(path), "is table weights"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_file_is_refused_by_name_with_the_rule_that_makes_it(tmp_path, fault):
    path = tmp_path / "m.parquet"
    files.write(path, METRICS, metrics_frame(), PROVENANCE)
    damage, words = FAULTS[fault]
    damage(path)
    with pytest.raises(TicketlabError) as refusal:
        files.read(path, METRICS)
    message = str(refusal.value)
    assert message.startswith(f"{path} {words}") and "\n" not in message
    assert "expected table metrics" in message and "train_dense, imp_round" in message


@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "foreign", "another version"])
def test_a_wrong_file_of_weights_is_refused_too(tmp_path, fault):
    path = tmp_path / "w.parquet"
    write_weights(path)
    FAULTS[fault][0](path)
    for read in (stacks.steps, lambda path, contract: stacks.read_stack(path, contract, 0), files.facts):
        with pytest.raises(TicketlabError, match=r"w\.parquet .*expected table weights"):
            read(path, WEIGHTS)


@pytest.mark.parametrize("contract", [WEIGHTS, METRICS], ids=["weights", "metrics"])
def test_a_flipped_bit_is_refused_or_harmless(tmp_path, contract):
    """Nothing but a TicketlabError, and never another number: pages carry checksums."""
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    if contract == WEIGHTS:
        write_weights(good)
    else:
        files.write(good, contract, metrics_frame(), PROVENANCE)
    content, expected = good.read_bytes(), files.read(good, contract)
    choose = random.Random(0)
    footer = int.from_bytes(content[-8:-4], "little") + 8
    places = [choose.randrange(len(content)) for _ in range(150)]
    places += [len(content) - footer + choose.randrange(footer) for _ in range(50)]
    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << choose.randrange(8)
        bad.write_bytes(damaged)
        try:
            pd.testing.assert_frame_equal(files.read(bad, contract), expected)
        except TicketlabError as error:
            refused += 1
            assert str(bad) in str(error)
    assert refused > len(places) / 3


def test_an_absent_step_or_slot_is_named_with_the_steps_there_are(tmp_path):
    write_weights(tmp_path / "w.parquet")
    with pytest.raises(TicketlabError, match=r"w\.parquet: no weight at step 3; it holds steps \[0, 5\]"):
        stacks.read_stack(tmp_path / "w.parquet", WEIGHTS, 3)
    with pytest.raises(TicketlabError, match="no weight and exp_avg at step 0"):
        stacks.read_stack(tmp_path / "w.parquet", WEIGHTS, 0, ("weight", "exp_avg"))


def test_a_table_names_every_rule_that_writes_it():
    """A damaged file's message says which rule makes it again."""
    written = re.compile(r"(?:files|stacks)\.writ(?:e|ing)\(\s*(?:snakemake\.output|outputs)[^,]*, ([A-Z_]+)")
    stored = re.compile(r"checkpoints\.write_(weights|masks)\(")
    scripts = sorted((ROOT / "workflow_scripts").glob("*.py"))
    pairs = {(path.stem, name) for path in scripts for name in written.findall(path.read_text())}
    pairs |= {(path.stem, name.upper()) for path in scripts for name in stored.findall(path.read_text())}
    assert len(pairs) > 35
    modules = [import_module(f"{schemas.__name__}.{found.name}") for found in iter_modules(schemas.__path__)]
    rules = {name: value.rule for module in modules for name, value in vars(module).items() if isinstance(value, Table)}
    made = {(script, name): "calibrate" if name == "CALIBRATION" else script for script, name in pairs}
    assert not [pair for pair, rule in made.items() if rule not in rules[pair[1]]]


def test_of_no_file_there_are_no_rows_but_all_columns():
    frame = files.read_many([], METRICS)
    assert frame.empty and list(frame) == list(METRICS.columns)
