import hashlib
import json
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tasks.language import corpora

LONG = "This line of a docstring is long enough to count as a template line."


def settings(**values):
    return TypeAdapter(corpora.CorpusSettings).validate_python(values)


def texts(**values):
    return [document.text for document in corpora.read(settings(**values))[0]]


def write_package(folder, name="planted_package"):
    root = folder / name
    (root / "part" / "tests").mkdir(parents=True)
    (root / "__init__.py").write_text('"""Top."""\nraise RuntimeError("imported")\n')
    (root / "part" / "b.py").write_text(
        f'"""Module b.\n\n{LONG}\n"""\nclass A:\n    """Class A."""\n    def f(self):\n        """Method f."""\n'
        'if True:\n    async def g():\n        """Function g, \\ud800 in it."""\n'
    )
    (root / "part" / "a.py").write_text(f'"""Module a.\n\n{LONG}\n"""\ndef f():\n    """Method f."""\n')
    (root / "part" / "broken.py").write_text('"""Not Python."""\nprint "old"\n')
    (root / "part" / "tests" / "test_a.py").write_text('"""A test."""\n')
    (root / "part" / "__pycache__").mkdir()
    (root / "part" / "__pycache__" / "a.pyc").write_bytes(b"\0\1")
    return root


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return write_package(tmp_path)


def test_docstrings_are_read_in_order_without_importing_duplicates_templates_or_tests(package):
    found, _ = corpora.read(settings(kind="docstrings", packages=["planted_package"], min_characters=1))
    assert found == [
        ("planted_package/__init__.py", "Top."),
        ("planted_package/part/a.py", f"Module a.\n\n{LONG}"),
        ("planted_package/part/a.py:f", "Method f."),
        ("planted_package/part/b.py", "Module b.\n"),  # its long line is a.py's
        ("planted_package/part/b.py:A", "Class A."),  # A.f says what a.py's f says
        ("planted_package/part/b.py:g", "Function g, ? in it."),
    ]
    assert "planted_package" not in sys.modules


def test_source_is_read_file_by_file_without_importing_duplicates_or_tests(package):
    (package / "copy.py").write_bytes((package / "part" / "a.py").read_bytes())
    (package / "latin.py").write_bytes("# déjà\n".encode("latin-1"))
    found, _ = corpora.read(settings(kind="source", packages=["planted_package"]))
    assert [document.name for document in found] == [
        "planted_package/__init__.py",
        "planted_package/copy.py",  # part/a.py says the same
        "planted_package/latin.py",
        "planted_package/part/b.py",
        "planted_package/part/broken.py",
    ]
    assert found[0].text == (package / "__init__.py").read_text() and found[2].text == "# d\ufffdj\ufffd\n"
    assert "planted_package" not in sys.modules


def test_the_corpus_is_the_same_bytes_wherever_the_package_lies(package, tmp_path, monkeypatch):
    here = corpora.read(settings(kind="docstrings", packages=["planted_package"], min_characters=1))
    elsewhere = tmp_path / "another" / "place"
    elsewhere.mkdir(parents=True)
    write_package(elsewhere)
    monkeypatch.syspath_prepend(elsewhere)
    assert corpora.read(settings(kind="docstrings", packages=["planted_package"], min_characters=1)) == here


def test_the_order_in_which_packages_are_named_does_not_matter(package, tmp_path):
    write_package(tmp_path, "another_package")
    one = texts(kind="docstrings", packages=["planted_package", "another_package"], min_characters=1)
    other = texts(kind="docstrings", packages=["another_package", "planted_package"], min_characters=1)
    assert one == other


def test_short_docstrings_are_left_out(package):
    assert texts(kind="docstrings", packages=["planted_package"], min_characters=30) == [f"Module a.\n\n{LONG}"]


def test_the_checksum_is_of_the_texts_and_a_mismatch_names_both(package):
    values = {"kind": "docstrings", "packages": ["planted_package"], "min_characters": 30}
    expected = hashlib.sha256(f"Module a.\n\n{LONG}".encode()).hexdigest()
    assert corpora.read(settings(**values, sha256=expected))[1] == expected
    with pytest.raises(TicketlabError, match=f"(?s){expected}.*{'0' * 64}.*corpus.sha256"):
        corpora.read(settings(**values, sha256="0" * 64))


@pytest.mark.parametrize(("package", "fault"), [("no_such_package_anywhere", "not installed"), ("sys", "no .py files")])
def test_a_package_without_source_is_refused_by_name(package, fault):
    with pytest.raises(TicketlabError, match=f"{package}.*{fault}"):
        corpora.read(settings(kind="docstrings", packages=[package]))


def test_a_dotted_package_is_refused_since_finding_it_would_import_its_parent():
    with pytest.raises(ValidationError):
        settings(kind="docstrings", packages=["os.path"])


def test_each_text_file_of_a_folder_is_a_document(tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "one.md").write_bytes("\ufeffgrüße\r\nan alle".encode())
    (tmp_path / "two.TXT").write_text("two")
    (tmp_path / "copy.txt").write_text("two")
    (tmp_path / "blank.txt").write_text("\n")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\0")
    found, _ = corpora.read(settings(kind="file", path=str(tmp_path)))
    assert found == [("copy.txt", "two"), ("z/one.md", "grüße\nan alle")]


def test_an_encoding_that_python_does_not_know_is_refused():
    assert settings(kind="file", path="x", encoding="utf-16").encoding == "utf-16"
    for name in ("rot13", "undefined", "base64", "idna", "no\0ne", ""):
        with pytest.raises(ValidationError, match="no encoding of text"):
            settings(kind="file", path="x", encoding=name)


def test_a_lone_file_is_cut_at_blank_lines_and_nothing_is_lost(tmp_path):
    paragraphs = [f"paragraph {number} " + "x" * 300 for number in range(20)]
    (tmp_path / "book.txt").write_text("\n\n".join(paragraphs) + "\n")
    found, _ = corpora.read(settings(kind="file", path=str(tmp_path / "book.txt")))
    assert "\n\n".join(document.text for document in found) == "\n\n".join(paragraphs)
    assert all(1_000 <= len(document.text) < 1_400 for document in found[:-1])
    assert [document.name for document in found[:2]] == ["book.txt:1", "book.txt:9"]


def test_a_file_without_blank_lines_is_cut_at_line_breaks(tmp_path):
    lines = [f"{number:04}" + "y" * 95 for number in range(200)]
    (tmp_path / "log.txt").write_text("\n".join(lines))
    found = texts(kind="file", path=str(tmp_path / "log.txt"))
    assert [len(text.split("\n")) for text in found] == [40] * 5
    assert "\n".join(found) == "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"abc\0def", "byte 3 is a NUL"),
        ("täglich".encode("latin-1"), "byte 1 is invalid"),
        (b"\xef\xbb\xbfab\xff", "byte 5 is invalid"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_name_and_place(tmp_path, content, fault):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(TicketlabError, match=f"bad.txt.*{fault}"):
        corpora.read(settings(kind="file", path=str(path)))


def test_a_folder_without_text_and_a_missing_path_are_refused(tmp_path):
    with pytest.raises(TicketlabError, match="no text files"):
        corpora.read(settings(kind="file", path=str(tmp_path)))
    with pytest.raises(TicketlabError, match="no such file"):
        corpora.read(settings(kind="file", path=str(tmp_path / "absent")))


ROWS = [{"story": f"story {number}", "number": number} for number in range(5)]


@pytest.fixture(params=["saved", "saved_splits", "jsonl", "parquet", "folder"])
def dataset(request, tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list(ROWS)
    path = tmp_path / {"jsonl": "rows.jsonl", "parquet": "rows.parquet"}.get(request.param, "rows")
    if request.param == "saved":
        rows.save_to_disk(path)
    elif request.param == "saved_splits":
        datasets.DatasetDict(train=rows, test=rows.select([0])).save_to_disk(path)
    elif request.param == "parquet":
        rows.to_parquet(path)
    else:
        path = path if request.param == "jsonl" else path / "train.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        path = path if request.param == "jsonl" else path.parent
    return str(path)


def test_a_local_dataset_is_read_row_by_row(dataset):
    found, _ = corpora.read(settings(kind="huggingface", name=dataset, column="story"))
    assert found == [(f"train:{number}", f"story {number}") for number in range(5)]


@pytest.mark.parametrize(
    ("split", "rows"),
    [("train[:40%]", [0, 1]), ("train[1:3]", [1, 2]), ("train[-1:]", [4]), ("train[:1]+train[4:]", [0, 4])],
)
def test_a_slice_of_a_local_datasets_split_is_honoured(dataset, split, rows):
    assert texts(kind="huggingface", name=dataset, split=split, column="story") == [f"story {row}" for row in rows]


@pytest.mark.parametrize("split", ["nonsense", "train[", "train[:200%]", "train[3:2]", "train[9:12]", ""])
def test_a_split_that_is_not_there_or_does_not_parse_is_refused(dataset, split):
    with pytest.raises(TicketlabError, match=r"rows.*: split '.*correct corpus\."):
        corpora.read(settings(kind="huggingface", name=dataset, split=split, column="story"))


def test_rows_without_text_are_counted(tmp_path, caplog):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"text": ["one", None, " ", "two"]}).save_to_disk(tmp_path / "saved")
    assert texts(kind="huggingface", name=str(tmp_path / "saved")) == ["one", "two"]
    assert "saved: 2 of 4 rows have no text, the first: row 1" in caplog.text


def test_a_subset_of_a_saved_dataset_is_refused_since_it_has_none(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"text": ["one"]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(TicketlabError, match="no subset 'en'"):
        corpora.read(settings(kind="huggingface", name=str(tmp_path / "saved"), subset="en"))


def test_a_change_of_a_local_dataset_is_seen(tmp_path):
    pytest.importorskip("datasets")
    path = tmp_path / "rows.jsonl"
    for story in ("first", "other"):
        path.write_text(json.dumps({"text": story}) + "\n")
        assert texts(kind="huggingface", name=str(path)) == [story]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"column": "absent"}, "no column 'absent', only story, number"),
        ({"column": "number"}, "does not hold text"),
        ({"split": "absent"}, "split 'absent' cannot be loaded"),
    ],
)
def test_a_dataset_without_the_column_or_split_is_refused(tmp_path, change, fault):
    pytest.importorskip("datasets")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with pytest.raises(TicketlabError, match=fault):
        corpora.read(settings(kind="huggingface", name=str(path), **{"column": "story", **change}))


def test_a_missing_local_dataset_is_refused(tmp_path):
    pytest.importorskip("datasets")
    with pytest.raises(TicketlabError, match="cannot be loaded"):
        corpora.read(settings(kind="huggingface", name=str(tmp_path / "absent")))
