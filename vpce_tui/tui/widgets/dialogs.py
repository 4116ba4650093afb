"""Questions in front of a screen: a typed id, a name, a note, a list to read."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vpce_tui.tui.widgets.keymap import Keymap, binding
from vpce_tui.tui.widgets.safe_text import line


class Ask(ModalScreen[str | None]):
    """Asks for one text. Gives it, or None when left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        question: str,
        value: str = "",
        must_be: str = "",
        wrong: Callable[[str], str] = lambda _: "",
        body: Content | None = None,
    ) -> None:
        """``body`` is read before the question is answered; it scrolls."""
        super().__init__()
        self._body = body
        self._title, self._question, self._value = title, question, value
        self._wrong = wrong if not must_be else lambda text: "" if text == must_be else f"that is not {must_be}"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(line((self._title, "bold")), classes="dialog--title")
            if self._body is not None:
                with VerticalScroll(id="body", classes="dialog--body", can_focus=False):
                    yield Static(self._body)
            yield Static(line(self._question))
            yield Input(self._value, id="answer", compact=True)
            yield Static(line(self._hint), id="hint", classes="muted")

    @property
    def _hint(self) -> str:
        return "Enter: continue   Escape: cancel" + ("   PgUp PgDn: scroll" if self._body is not None else "")

    def action_page(self, by: int) -> None:
        """A page of what is read further, or back."""
        for body in self.query("#body").results(VerticalScroll):
            (body.scroll_page_down if by > 0 else body.scroll_page_up)(animate=False)

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        self.query_one("#hint", Static).update(line(self._hint))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        given = event.value.strip()
        wrong = self._wrong(given)
        if wrong:
            said = f"{wrong}; nothing was done.  "
            self.query_one("#hint", Static).update(line((said, "bold $error"), self._hint))
            return
        self.dismiss(given)

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Read(ModalScreen[None]):
    """Something to read, with scrolling."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "leave", show=False),
        binding("back", "leave"),
        binding("down", "down"),
        binding("up", "up"),
        binding("top", "to(0)"),
        binding("bottom", "to(1)"),
        binding("page-down", "page"),
        binding("copy", "copy"),
    ]

    def __init__(self, title: str, content: Content, copy: Callable[[], None] | None = None) -> None:
        """``copy``: what the key for copying does; None: there is nothing to copy."""
        super().__init__()
        self._title, self._content, self._copy = title, content, copy

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog dialog--tall"):
            yield Static(line((self._title, "bold")), classes="dialog--title")
            with VerticalScroll(id="reading"):
                yield Static(self._content)
            shown = getattr(self.app, "keymap", Keymap()).shown
            keys = " ".join(map(shown, ("down", "up", "top", "bottom")))
            copy = f"Copy ({shown('copy')})   " if self._copy else ""
            yield Static(line(f"{copy}Back ({shown('back')})   Scroll ({keys})"), classes="muted")

    def on_mount(self) -> None:
        self.query_one("#reading").focus()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy what there is to copy."""
        if self._copy is not None:
            self._copy()

    def action_to(self, end: int) -> None:
        """To the top, or the end."""
        page = self.query_one("#reading", VerticalScroll)
        (page.scroll_end if end else page.scroll_home)(animate=False)

    def action_page(self) -> None:
        """A page further."""
        self.query_one("#reading", VerticalScroll).scroll_page_down(animate=False)

    def action_down(self) -> None:
        """Scroll."""
        self.query_one("#reading", VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Scroll."""
        self.query_one("#reading", VerticalScroll).scroll_up(animate=False)
