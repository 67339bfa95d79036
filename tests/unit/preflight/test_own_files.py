import pytest

from workflow_scripts.preflight import own_files
from workflow_scripts.ticketlab.config.study import validate
from workflow_scripts.ticketlab.core.errors import TicketlabError


def test_a_file_or_link_with_nothing_behind_it_is_refused_by_study_and_path(shipped, tmp_path):
    own_files.check(validate(shipped))
    corpus = shipped["studies"]["text"]["task"]["corpus"]
    corpus.clear()
    corpus.update(kind="file", path=str(tmp_path))
    (tmp_path / "{a}.txt").write_text("x")
    own_files.check(validate(shipped))
    (tmp_path / "link.txt").symlink_to("absent")
    with pytest.raises(TicketlabError, match=r"studies\.text\.task: no file .*/link\.txt"):
        own_files.check(validate(shipped))
    corpus.update(path=str(tmp_path / "none.txt"))
    with pytest.raises(TicketlabError, match=r"text\.task: no file .*/none\.txt, seen from .*; correct the path"):
        own_files.check(validate(shipped))


def test_a_network_in_a_file_that_is_not_there_is_refused(shipped, tmp_path):
    shipped["studies"]["text"]["model"] = {"kind": "module", "path": str(tmp_path / "net.py"), "class": "Net"}
    with pytest.raises(TicketlabError, match=r"studies\.text\.model: no file .*/net\.py, seen from"):
        own_files.check(validate(shipped))
