"""The one kind of error that a user is meant to read: what is wrong, where, and what to do about it."""


class TicketlabError(Exception):
    """A mistake in a config, a file or a run; its message is one sentence that names the culprit and the remedy."""
