"""A run's numbers compared with the published ones: equal to the last bit, or named."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from workflow_scripts import numerics
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tables.schemas.verdicts import VERDICTS
from workflow_scripts.tools import verify_reference


@pytest.fixture
def frames():
    """Two rows of each table, with numbers that no short text determines, and one that is missing."""
    found = {}
    for table in verify_reference.NUMBERS:
        rows = {}
        for name, kind in table.columns.items():
            if pa.types.is_floating(kind):
                rows[name] = [0.1 + 0.2, float("nan")]
            elif pa.types.is_boolean(kind):
                rows[name] = [True, False]
            elif pa.types.is_integer(kind):
                rows[name] = [3, 4]
            else:
                rows[name] = [f"first, {name}", f"other {name}"] if name != "study" else ["text", "digits"]
        found[table.name] = pd.DataFrame(rows)
    return found


def say(frames, folder, mode="portable"):
    return verify_reference.report(frames, folder, mode)


def test_a_run_equals_itself_whatever_the_order_of_its_rows(frames, tmp_path):
    verify_reference.write(frames, tmp_path)
    text, good = say({name: frame.iloc[::-1] for name, frame in frames.items()}, tmp_path)
    assert good and text.count("rows are equal to the last bit") == len(verify_reference.NUMBERS)
    assert "These are the digests that are recorded for this maker's processors." in text


def test_a_key_that_does_not_apply_is_empty_and_leaves_the_others_whole(frames):
    verdicts = frames["verdicts"].assign(rewind_step=[10.0, float("nan")], structure=[None, "bigram"])
    text = verify_reference.as_text(verdicts, VERDICTS).set_index("study")
    assert text["rewind_step"].to_dict() == {"text": "10", "digits": ""}
    assert text["structure"].to_dict() == {"text": "", "digits": "bigram"}


def test_a_last_bit_is_noticed_and_named(frames, tmp_path):
    verify_reference.write(frames, tmp_path)
    frames["verdicts"].loc[0, "estimate"] = 0.3
    frames["clock"].loc[1, "reason"] = "another"
    text, good = say(frames, tmp_path)
    assert not good
    assert "verdicts: 1 of 2 rows differ" in text and "estimate 0.3 (0.30000000000000004)" in text
    assert "clock: 1 of 2 rows differ" in text and "reason another (other reason)" in text
    assert "comparisons: all 2 rows are equal" in text and "recorded for this maker" not in text


def test_rows_that_only_one_side_has_are_named_and_studies_that_were_not_run_left_out(frames, tmp_path):
    verify_reference.write(frames, tmp_path)
    mine = {name: frame[frame["study"] == "text"] for name, frame in frames.items()}
    text, good = say(mine, tmp_path)
    assert good and "Not in this run: digits." in text
    more = {name: pd.concat([frame, frame.assign(study="new")]) for name, frame in mine.items()}
    text, good = say(more, tmp_path)
    assert not good and "not in the reference" in text
    verify_reference.write(more, tmp_path)
    fewer = {name: frame[frame["study"] == "text"] if name != "clock" else frame for name, frame in more.items()}
    assert "not in this run" in say({**more, "comparisons": fewer["comparisons"]}, tmp_path)[0]


def test_another_maker_is_named_and_can_be_recorded_beside(frames, tmp_path, monkeypatch):
    verify_reference.write(frames, tmp_path)
    here = numerics.maker()
    monkeypatch.setattr(numerics, "maker", lambda: "Zhaoxin")
    frames["verdicts"].loc[0, "estimate"] = 0.3
    text, good = say(frames, tmp_path)
    assert not good and f"made on {here}, `portable`; this run on Zhaoxin, `portable`" in text
    assert "the last digits may differ" in text
    verify_reference.record(frames, tmp_path)
    assert set(json.loads((tmp_path / "digests.json").read_text())) == {here, "Zhaoxin"}
    assert "recorded for this maker" in say(frames, tmp_path)[0]


def test_native_numbers_are_expected_to_differ(frames, tmp_path):
    verify_reference.write(frames, tmp_path)
    frames["verdicts"].loc[0, "estimate"] = 0.3
    assert "the last digits may differ" not in say(frames, tmp_path)[0]
    assert "the last digits may differ" in say(frames, tmp_path, "native")[0]


def test_a_run_without_a_reference_is_said(frames, tmp_path):
    with pytest.raises(TicketlabError, match=r"verdicts\.csv does not exist: .* quick and default"):
        say(frames, tmp_path)
