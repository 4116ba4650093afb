"""Events from files: CloudTrail's own JSON, plain or gzipped, one file or a folder of them.

Nothing is lost silently: a file that ends in the middle gives the records before its end and is *partly* looked at,
with the reason; records without an object in them are counted.
"""

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vpce_tui.cloudtrail.event import EPOCH, Event, parse
from vpce_tui.core.coverage import Coverage, Part, Status, newest_of

CONFLICTING_RECORD = "another record has the same eventID and different content"


@dataclass(frozen=True, slots=True)
class Found:
    """Events newest first, and what was looked at to find them."""

    events: tuple[Event, ...] = field(default=())
    coverage: Coverage = field(default_factory=lambda: Coverage("files"))


def read(path: Path, wanted: Callable[[Event], bool] = lambda _: True) -> Found:
    """Every wanted event below ``path``. A path that cannot be read is a failed part, not an exception."""
    events: dict[tuple[str, str, str], Event] = {}
    nameless: list[Event] = []
    parts: list[Part] = []
    twice = conflicts = 0
    for file, problem in _files(path):
        if problem:
            parts.append(Part(str(file), Status.FAILED, problem))
            continue
        found, status, reason = _records(file)
        for event in found:
            key = (event.id, event.region, event.account)
            if not event.id:
                nameless.append(event)
            elif key in events and events[key].raw == event.raw:
                twice += 1
            elif key in events:
                nameless.append(replace(event, parse_warnings=(*event.parse_warnings, CONFLICTING_RECORD)))
                events[key] = replace(
                    events[key], parse_warnings=tuple(dict.fromkeys((*events[key].parse_warnings, CONFLICTING_RECORD)))
                )
                conflicts += 1
            else:
                events[key] = event
        newest = newest_of(event.time for event in found if event.time != EPOCH)
        parts.append(Part(name=str(file), status=status, reason=reason, items=len(found), newest=newest))
    if not parts:
        parts.append(Part(str(path), Status.FAILED, "no .json or .json.gz file is there"))
    notes = (f"{twice:,} duplicate records are listed once",) if twice else ()
    if conflicts:
        notes = (*notes, f"{conflicts:,} records share an eventID but differ: each is listed")
    chosen = sorted((e for e in (*events.values(), *nameless) if wanted(e)), key=lambda e: e.time, reverse=True)
    return Found(tuple(chosen), Coverage("files", tuple(parts), notes))


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Every trail file below ``path``, and what could not be looked into, with the reason."""
    if not path.is_dir():
        yield path, ""
        return
    problems: list[OSError] = []
    for folder, inner, names in os.walk(path, onerror=problems.append):
        inner.sort()
        for name in sorted(names):
            if name.lower().endswith((".json", ".json.gz")):
                yield Path(folder, name), ""
        for name in inner:
            if Path(folder, name).is_symlink():
                yield Path(folder, name), "is a link to a folder, and is not followed: name that folder itself"
    for problem in problems:
        yield Path(str(problem.filename)), f"cannot be read: {problem.strerror}"


def _records(file: Path) -> tuple[list[Event], Status, str]:
    try:
        data = file.read_bytes()
    except OSError as error:
        return [], Status.FAILED, f"cannot be read: {error.strerror}"
    reason = ""
    if data[:2] == b"\x1f\x8b":
        data, reason = _gunzip(data)
    text = data.decode("utf-8", errors="surrogateescape")
    try:
        document: Any = json.loads(text)
    except RecursionError:
        return [], Status.FAILED, "is nested too deeply for a CloudTrail log file"
    except ValueError as error:
        whole = [parse(record) for record in _whole_records(text)]
        reason = reason or f"is incomplete JSON: {error}"
        return whole, Status.PARTIAL if whole else Status.FAILED, f"{reason}; {len(whole):,} records before that"
    records = document.get("Records") if isinstance(document, dict) else document
    if not isinstance(records, list):
        if isinstance(document, dict) and "eventName" in document:
            records = [document]
        else:
            return [], Status.FAILED, 'contains no CloudTrail records ({"Records": […]})'
    events = [parse(record) for record in records]
    broken = sum(not isinstance(record, dict) for record in records)
    if broken:
        return events, Status.PARTIAL, f"{broken:,} of {len(records):,} records are not JSON objects"
    return events, Status.PARTIAL if reason else Status.LOOKED, reason


def _gunzip(data: bytes) -> tuple[bytes, str]:
    """The unpacked bytes, as far as they go, and why they end early."""
    out = bytearray()
    while data:
        unpack = zlib.decompressobj(wbits=31)
        try:
            out += unpack.decompress(data)
        except zlib.error as error:
            return bytes(out), f"gzip is damaged: {error}"
        if not unpack.eof:
            return bytes(out), "gzip ends in the middle"
        data = unpack.unused_data.lstrip(b"\0")
    return bytes(out), ""


def _whole_records(text: str) -> Iterator[object]:
    """The records of a file that breaks off, up to where it does."""
    at = text.find("[")
    decoder = json.JSONDecoder()
    while at >= 0:
        at = text.find("{", at)
        if at < 0:
            return
        try:
            record, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield record
