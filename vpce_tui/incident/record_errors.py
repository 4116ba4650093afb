"""What can go wrong with a record, each with its own sentence."""


class RecordError(Exception):
    """The record cannot be read or written; the message says why and what to do."""


class BadName(RecordError):
    """Not a name for an incident."""


class DiskFull(RecordError):
    """There is no room to record the next step, so it is not begun."""


class ReadOnlyRecord(RecordError):
    """Somebody else holds the incident, or this process may only read."""


class NewerRecord(RecordError):
    """The journal was written by a newer version."""


class NotAJournal(RecordError):
    """The file is not one that this product wrote: other tables, a view, a link."""
