"""Text from AWS in a TOML file."""

import json

from vpce_tui.core.text import visible


def toml(value: str) -> str:
    """A text as TOML writes it; what steers a terminal or cannot be encoded is made visible first."""
    return json.dumps(visible(value, limit=400), ensure_ascii=False)
