"""The incident records on this host."""

from collections.abc import Iterator
from pathlib import Path

from vpce_tui.core import paths
from vpce_tui.incident import redaction
from vpce_tui.incident.journal import NAME, Journal
from vpce_tui.incident.record import Record
from vpce_tui.incident.record_errors import BadName, RecordError


def incident_folder(name: str) -> Path:
    """The folder of one incident. Raises :class:`~vpce_tui.incident.record_errors.BadName`."""
    if not NAME.fullmatch(name) or redaction.text(name) != name:
        raise BadName(
            f"{name!r} is not a valid incident name: use letters, digits, dot, dash, at most 63, and no key id."
        )
    return paths.state_folder() / "incidents" / name


def records() -> Iterator[tuple[Path, Record | RecordError]]:
    """Every record by its folder, by name; one that cannot be read is its error."""
    folder = paths.state_folder() / "incidents"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            with Journal.open(path, "list", write=False) as journal:
                yield path, journal.record()
        except RecordError as error:
            yield path, error
        except OSError as error:
            yield path, RecordError(f"the record {path.name!r} cannot be read: {error.strerror or error}.")
        except (MemoryError, RecursionError) as error:  # one that was made to break this one must not hide the others
            yield path, RecordError(f"the record {path.name!r} cannot be read: {type(error).__name__}.")


def about(target: str) -> list[str]:
    """Names of open incidents in which a playbook was walked on ``target``, the one opened last first."""
    found = [
        (record.opened_at, path.name)
        for path, record in records()
        if isinstance(record, Record)
        and not record.closed_at
        and any(key.partition("/")[2] == target for key in record.plans)
    ]
    return [name for _, name in sorted(found, reverse=True)]


def open_ones() -> list[tuple[str, str]]:
    """Open incidents on this host, the one opened last first: each name with what was walked in it."""
    found = [
        (record.opened_at, path.name, ", ".join(key.replace("/", " on ", 1) for key in record.plans))
        for path, record in records()
        if isinstance(record, Record) and not record.closed_at
    ]
    return [(name, walked) for _, name, walked in sorted(found, reverse=True)]
