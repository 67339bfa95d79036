import pytest

from workflow_scripts.ticketlab.core.errors import TicketlabError, shown
from workflow_scripts.ticketlab.core.folders import files_below


def names(folder):
    return [path.relative_to(folder).as_posix() for path in files_below(folder)]


def test_files_behind_links_are_found_and_a_circle_of_links_ends(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "b").mkdir(parents=True)
    outside.mkdir()
    for path in (inside / "b" / "one.txt", inside / "a.txt", outside / "two.txt"):
        path.write_text("x")
    (inside / "linked").symlink_to(outside)
    (outside / "circle").symlink_to(inside)
    (inside / "linked.txt").symlink_to(outside / "two.txt")
    (inside / "nothing.txt").symlink_to("absent")
    assert names(inside) == ["a.txt", "b/one.txt", "linked.txt", "linked/two.txt", "nothing.txt"]


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path):
    with pytest.raises(TicketlabError, match="absent: cannot be listed"):
        files_below(tmp_path / "absent")


def test_a_name_is_shown_in_one_line_of_text():
    assert shown("a {b} 'grüße'.txt") == "a {b} 'grüße'.txt"
    assert shown("two\nlines\udcff.txt") == r"two\nlines\udcff.txt"
