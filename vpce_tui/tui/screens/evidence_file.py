"""One evidence file as a page, secrets hidden."""

from pathlib import Path

from textual.content import Content

from vpce_tui.core.text import visible
from vpce_tui.incident import redaction
from vpce_tui.incident.evidence import evidence_path, kept, readable
from vpce_tui.tui.widgets.safe_text import line, lines

_LIMIT = 200_000


def evidence_page(folder: Path, name: str, sha256: str) -> Content:
    """The file as it was kept, or that it is gone or changed. Reads the disk: call it off the screen's thread."""
    data = kept(folder, sha256)
    if data is None:
        return line((f"The evidence file {name} is missing or was changed. Run vpce-tui verify.", "bold $error"))
    text = readable(data)
    shown = redaction.text(text)
    hidden = (
        [line(("possible secrets are redacted here; the file contains them", "bold $warning"))] if shown != text else []
    )
    written = (line(part) for part in visible(shown, limit=_LIMIT, multiline=True).split("\n"))
    return lines([*hidden, *written, line(""), line((str(evidence_path(folder, sha256)), "dim"))])
