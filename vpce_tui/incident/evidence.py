"""Evidence files: named by their SHA-256, so that a changed file gives itself away."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vpce_tui.core.canonical_json import canonical, described
from vpce_tui.core.text import visible
from vpce_tui.incident.durable_files import write_atomically
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import EvidenceKept

LARGEST: Final = 1 << 30
"""Bytes of an evidence file."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file: what it is, its SHA-256 (also its file name) and size in bytes."""

    name: str
    sha256: str
    size: int


def store(
    journal: Journal,
    step: str,
    name: str,
    content: Any,
    *,
    service: str = "",
    operation: str = "",
    region: str = "",
    profile: str = "",
) -> Evidence:
    """Write ``content`` (bytes, or anything JSON can hold) beside the journal and record it there.

    The bytes are kept as they came, secrets included: the file is the evidence (0600). The journal gets only its
    hash. The name from AWS is never used as a path.
    """
    data = content if isinstance(content, bytes) else canonical(content, described)
    sha256 = hashlib.sha256(data).hexdigest()
    path = evidence_path(journal.folder, sha256)
    if not (path.exists() and path.stat().st_size == len(data)):
        write_atomically(path, data)
    journal.append(
        EvidenceKept(
            step=step,
            evidence=name,
            sha256=sha256,
            size=len(data),
            service=service,
            operation=operation,
            region=region,
            profile=profile,
        )
    )
    return Evidence(name, sha256, len(data))


def evidence_path(folder: Path, sha256: str) -> Path:
    """Path of the evidence file with this hash. Raises :class:`RecordError` for what is no hash: it may be a path."""
    if not _SHA256.fullmatch(sha256):
        raise RecordError(f"{visible(sha256, limit=80)!r} is not the SHA-256 of an evidence file. Run vpce-tui verify.")
    return folder / "evidence" / sha256


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept(folder: Path, sha256: str) -> bytes | None:
    """The bytes of an evidence file as they were kept; None where it is gone or was changed."""
    path = evidence_path(folder, sha256)
    regular = path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST
    data = path.read_bytes() if regular else b""
    return data if data and hashlib.sha256(data).hexdigest() == sha256 else None


def readable(data: bytes) -> str:
    """Evidence as text for a person: JSON laid out, Base64 that holds text (user data, console output) as that text.

    Nothing is left out or hidden here; :mod:`vpce_tui.incident.redaction` hides secrets where it is shown.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "backslashreplace")
    texts: list[str] = []
    laid_out = json.dumps(_opened(found, texts), indent=2, ensure_ascii=False)
    return "\n\n".join([*texts, laid_out])


_ENCODED: Final = ("UserData", "Output")


def _opened(value: Any, texts: list[str], key: str = "") -> Any:
    """``value`` with what is Base64 in it moved into ``texts``."""
    if isinstance(value, dict):
        if set(value) == {"Value"} and key in _ENCODED:
            return {"Value": _opened(value["Value"], texts, key)}
        return {name: _opened(item, texts, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, texts, key) for item in value]
    if key in _ENCODED and isinstance(value, str) and value:
        try:
            text = base64.b64decode(value, validate=True).decode()
        except ValueError:
            return value
        texts.append(text)
        return f"the text above, {len(text.splitlines())} lines"
    return value
