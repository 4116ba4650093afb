"""The incident records on this host."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from vpce_tui.cloudtrail.recorded_calls import RecordedCall, RecordedCalls
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


def folder_to_read(name: str) -> Path:
    """The folder of one incident to read: the lab's, where only the lab has one of this name. Raises :class:`BadName`."""
    folder = incident_folder(name)
    lab = paths.state_folder() / paths.LAB / "incidents" / name
    return lab if (lab / "journal.db").is_file() and not (folder / "journal.db").exists() else folder


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
    """Names of open incidents in which a playbook was run on ``target``, the one opened last first."""
    found = [
        (record.opened_at, path.name)
        for path, record in records()
        if isinstance(record, Record)
        and not record.closed_at
        and any(key.partition("/")[2] == target for key in record.plans)
    ]
    return [name for _, name in sorted(found, reverse=True)]


@dataclass(frozen=True, slots=True)
class KnownIncidents:
    """What the records on this host say together, of those that can be read."""

    open: tuple[tuple[str, str], ...] = ()
    """Open incidents, the one opened last first: each name with the playbooks that were run in it."""
    recorded_calls: RecordedCalls = field(default_factory=dict)
    """Every call that was made in one, by AWS's request id."""
    records: Mapping[str, Record] = field(default_factory=dict)
    """The newest records by the name of their incident."""


_NEWEST: Final = 20


def named(calls: RecordedCalls, incident: str) -> dict[str, RecordedCall]:
    """The calls with the name of the incident that has them."""
    return {request_id: replace(call, incident=incident) for request_id, call in calls.items()}


def known_incidents() -> KnownIncidents:
    """Read every record on this host."""
    found: list[tuple[str, str, str]] = []
    read: list[tuple[str, str, Record]] = []
    recorded: dict[str, RecordedCall] = {}
    for path, record in records():
        if not isinstance(record, Record):
            continue
        recorded |= named(record.recorded_calls, path.name)
        read.append((record.opened_at, path.name, record))
        if not record.closed_at:
            run = ", ".join(key.replace("/", " on ", 1) for key in record.plans)
            found.append((record.opened_at, path.name, run))
    newest = {name: record for _, name, record in sorted(read, key=lambda item: item[:2], reverse=True)[:_NEWEST]}
    return KnownIncidents(tuple((name, run) for _, name, run in sorted(found, reverse=True)), recorded, newest)
