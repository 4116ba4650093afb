"""Where things lie on this host, and what the environment asks for."""

import os
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path, user_config_path, user_state_path

LAB: Final = "lab"
"""The folder, within that of the records, of those of the lab."""


def state_folder() -> Path:
    """Incident records: ``VPCE_TUI_STATE``, or the user's state directory."""
    return Path(os.environ.get("VPCE_TUI_STATE") or user_state_path("vpce-tui"))


def cache_folder() -> Path:
    """Events fetched before: ``VPCE_TUI_CACHE``, or the user's cache directory."""
    return Path(os.environ.get("VPCE_TUI_CACHE") or user_cache_path("vpce-tui"))


def config_folder() -> Path:
    """The team's context and playbooks: ``VPCE_TUI_CONFIG``, or the user's configuration directory."""
    return Path(os.environ.get("VPCE_TUI_CONFIG") or user_config_path("vpce-tui"))


def playbooks_folder() -> Path:
    """The team's own playbooks: ``playbooks`` in the config folder."""
    return config_folder() / "playbooks"


def read_only_asked() -> bool:
    """``VPCE_TUI_READ_ONLY`` set to anything but nothing, ``0`` or ``false``."""
    return os.environ.get("VPCE_TUI_READ_ONLY", "").strip().lower() not in ("", "0", "false", "no")
