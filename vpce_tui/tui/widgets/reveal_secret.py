"""A secret, shown once: gone when its window is closed."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from vpce_tui.core import os_keyring
from vpce_tui.tui.widgets.safe_text import line


class RevealSecretDialog(ModalScreen[None]):
    """Shows a secret; Ctrl+S stores it in this host's keyring, ``y`` copies it, Escape forgets it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("ctrl+s", "keep", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, label: str, secret: str) -> None:
        super().__init__()
        self._label = label
        # no plain attribute: what prints a screen's values does not print it
        self._secret: Callable[[], str] = lambda: secret

    def __repr__(self) -> str:
        return f"Once({self._label!r})"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(line((f"The secret of {self._label}", "bold")), classes="dialog--title")
            yield Static(line(self._secret()), id="secret")
            yield Static(line("Shown only once. It is not stored anywhere."), id="said")
            yield Static(
                line("Copy (y)   Store in this host's keyring (Ctrl+S)   Close and forget it (Escape)"), classes="muted"
            )

    def action_copy(self) -> None:
        """To the terminal's clipboard."""
        self.app.copy_to_clipboard(self._secret())
        self.query_one("#said", Static).update(line("Copied to the clipboard of your terminal."))

    def action_keep(self) -> None:
        """Store the secret in the OS keyring."""
        try:
            said = os_keyring.keep(self._label, self._secret())
        except os_keyring.NoKeyring as error:
            said = f"Not stored: {error}."
        self.query_one("#said", Static).update(line(said))

    def action_leave(self) -> None:
        """Close, and forget it."""
        self._secret = str
        self.query_one("#secret", Static).update("")
        self.dismiss(None)
