import gzip
import json
import logging
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tasks.language import text_files


def read(path, column="text", encoding="utf-8"):
    return [tuple(document) for document in text_files.read(path, column, encoding)]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Encodings and names


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"\xef\xbb\xbf" + "grüße 𝔄".encode(), "utf-8"),
        (b"\xff\xfe" + "grüße 𝔄".encode("utf-16-le"), "utf-8"),
        (b"\xfe\xff" + "grüße 𝔄".encode("utf-16-be"), "latin-1"),  # the mark counts
        (b"\xff\xfe\0\0" + "grüße 𝔄".encode("utf-32-le"), "utf-8"),
        ("grüße 𝔄".encode("utf-16-le"), "utf-16-le"),
        ("grüße 𝔄".encode("gb18030"), "gb18030"),
        (gzip.compress("grüße 𝔄".encode(), mtime=0), "utf-8"),
        (gzip.compress("grüße".encode(), mtime=0) + gzip.compress(" 𝔄".encode(), mtime=0), "utf-8"),
    ],
)
def test_a_text_is_decoded_by_its_mark_else_as_declared_and_decompressed(tmp_path, content, encoding):
    assert read(written(tmp_path / "a.txt", content), encoding=encoding) == [("a.txt:1", "grüße 𝔄")]


@pytest.mark.parametrize(
    ("content", "encoding", "fault"),
    [
        (
            "täglich".encode("latin-1"),
            "utf-8",
            "not utf-8 text: byte 1 is invalid continuation byte; set corpus.encoding",
        ),
        (b"ab\xe9", "ascii", "not ascii text: byte 2"),
        (b"a\\ud800", "unicode_escape", "not unicode_escape text: byte 1 is surrogates not allowed"),
        (b"\xff\xfea\0b", "utf-8", "not utf-16-le text: byte 4 is truncated"),
        ("ab".encode("utf-16-le"), "utf-8", "byte 1 is a NUL"),
        (b"\xff\xfe" + "ab\0".encode("utf-16-le"), "utf-8", "byte 6 is a NUL"),
        ("ab\0".encode("utf-16-le"), "utf-16", "byte 4 is a NUL"),
        (gzip.compress(b"one\ntwo\nthree", mtime=0)[:-9], "utf-8", "cut off or damaged after line 2"),
        (gzip.compress(b"one", mtime=0)[:-6] + b"abcdef", "utf-8", "cut off or damaged"),
        (gzip.compress(b"one", mtime=0) + b"foreign", "utf-8", "cut off or damaged"),
    ],
)
def test_a_text_that_cannot_be_decoded_is_refused_by_file_place_and_remedy(tmp_path, content, encoding, fault):
    with pytest.raises(TicketlabError, match=f"bad.txt: .*{fault}"):
        read(written(tmp_path / "bad.txt", content), encoding=encoding)


AWKWARD = ["{study}.txt", "{.txt", "a b.txt", "-rf.txt", "'\".txt", "two\nlines.txt", "*[a]?.txt", "$HOME.txt"]


def test_awkward_names_are_read_and_shown_in_one_line(tmp_path):
    for name in AWKWARD:
        written(tmp_path / name, name)
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("no UTF-8")
    found = dict(read(tmp_path))
    assert found == {name.replace("\n", "\\n"): name for name in AWKWARD} | {"\\udcff.txt": "no UTF-8"}


def test_files_of_other_kinds_in_a_folder_are_told_and_broken_links_and_pipes_refused(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for name in ("a.txt", "b.png", "c.PDF", "d"):
        written(tmp_path / name, name)
    assert read(tmp_path) == [("a.txt", "a.txt")]
    assert "1 of 4 files read; not: .PDF, .png, no suffix" in caplog.text
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(TicketlabError, match=r"pipe.txt: no such file"):
        read(tmp_path)
    (tmp_path / "pipe.txt").unlink()
    (tmp_path / "link.txt").symlink_to("absent")
    with pytest.raises(TicketlabError, match=r"link.txt: no such file"):
        read(tmp_path)


# Tables


TEXTS = ["one, two", 'a "quoted"\nline', "NA", None, "  ", "grüße\u2028𝔄"]
ROWS = [{"id": number, "text": text} for number, text in enumerate(TEXTS)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
QUOTED = "".join(f'{row["id"]}{{0}}"{(row["text"] or "").replace(chr(34), chr(34) * 2)}"\r\n' for row in ROWS)


def table(folder, suffix):
    path = folder / f"{{rows}} [1]{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return path
    content = {
        ".json": json.dumps(ROWS, indent=1),
        ".csv": "\ufeffid,text\r\n" + QUOTED.format(","),
        ".tsv": "id\ttext\r\n" + QUOTED.format("\t"),
    }.get(suffix.removesuffix(".gz").lower(), LINES)
    return written(path, gzip.compress(content.encode(), mtime=0) if suffix.endswith(".gz") else content)


@pytest.mark.parametrize(
    "suffix", [".jsonl", ".JSONL.gz", ".ndjson", ".json", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet"]
)
def test_each_row_of_a_table_is_a_document_and_the_log_says_how_many_have_no_text(tmp_path, caplog, suffix):
    path = table(tmp_path, suffix)
    found = [(f"{path.name}:{row + 1}", TEXTS[row]) for row in (0, 1, 2, 5)]
    assert read(path) == read(tmp_path) == found
    assert "2 of 6 rows have no text, the first: row 4" in caplog.text


def test_a_document_of_a_table_may_be_long(tmp_path):
    assert len(read(written(tmp_path / "a.csv", f"text\n{'x' * 200_000}\n"))[0][1]) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.jsonl", '{"text": "a"}\n\n{"text": "b', "row 3 is no JSON"),
        ("a.jsonl", '{"text": "a"}\n["b"]\n', "row 2 is no JSON object"),
        ("a.jsonl", '{"text": "a"}\n{"text": 5}\n', "'text' does not hold text but int in row 2"),
        ("a.jsonl", '{"text": "a"}\n{"text": "\\ud800"}\n', "row 2 holds half a surrogate"),
        ("a.jsonl", "[" * 100_000, "the list is no JSON"),
        ("a.jsonl", '{"story": "a", "id": 1}\n', "no column 'text', only story, id"),
        ("a.jsonl", '{"text": null}\n{"text": " "}\n', "no text in column 'text' of 2 rows"),
        ("a.jsonl", "", "no column 'text', for the file is empty"),
        ("a.jsonl", b'{"text": "t\xe4glich"}\n', "byte 11 is invalid"),
        ("a.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)[:-12], "cut off or damaged after line 5"),
        ("a.json", '[{"text": "a"}, {"text"', "the list is no JSON"),
        ("a.csv", 'text,id\na,1\nb,2,3\n', "row 2 .*3 fields instead of 2"),
        ("a.csv", 'text,id\na,1\nb\n', "row 2 .*1 fields instead of 2"),
        ("a.csv", 'text,id\na,1\n"b,2\n', "row 1 or the next is broken .unexpected end of data"),
        ("a.csv", "story;text\na;b\n", "no column 'text', only story;text"),
        ("a.csv", "", "the file is empty"),
        ("a.parquet", b"", "not a whole Parquet file"),
        ("a.parquet", b"PAR1 and more PAR1", "not a whole Parquet file"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_by_file_row_and_remedy(tmp_path, name, content, fault):
    with pytest.raises(TicketlabError, match=f"{name}: .*{fault}.*; (repair|remove|copy|correct|set)"):
        read(written(tmp_path / name, content))


def test_a_parquet_file_that_is_cut_off_or_damaged_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": TEXTS}), path, write_page_checksum=True, compression="none")
    content = path.read_bytes()
    for broken in (content[:-5], content.replace(b"one, two", b"one, six", 1), content[:4] + bytes(60) + content[64:]):
        with pytest.raises(TicketlabError, match=r"a\.parquet: not a whole Parquet file .*copy it again"):
            read(written(path, broken))


def test_bytes_that_are_no_text_in_a_parquet_file_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    wrong = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
    pq.write_table(pa.table({"text": wrong}), path)
    with pytest.raises(TicketlabError, match="not a whole Parquet file"):
        read(path)
    pq.write_table(pa.table({"text": [b"a"]}), path)
    with pytest.raises(TicketlabError, match="does not hold text but bytes in row 1"):
        read(path)
