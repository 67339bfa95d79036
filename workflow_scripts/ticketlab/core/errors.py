"""The one kind of error that a user is meant to read: what is wrong, where, and what to do about it."""

import os
from pathlib import Path


class TicketlabError(Exception):
    """A mistake in a config, a file or a run; its message is one sentence that names the culprit and the remedy."""


def shown(name: str | Path) -> str:
    """A file's name as a message, a log or a table can hold it: in one line, bytes that are no UTF-8 as escapes."""
    text = os.fspath(name)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
