"""The lines every screen keeps: mode and identity on top, where and how complete below it, the keys at the bottom."""

from collections.abc import Sequence

from textual.content import Content

from vpce_tui.core.text import short, sign
from vpce_tui.tui.widgets.keymap import KeyHint
from vpce_tui.tui.widgets.safe_text import line
from vpce_tui.tui.widgets.steady import Steady


class TopBar(Steady):
    """``vpce-tui  INCIDENT case-42  123456789012 prod-main  17 regions  alice  02:14Z``."""

    def show(self, mode: str, look: str, account: str, alias: str, scope: str, operator: str, clock: str) -> None:
        """Say it; ``look`` is the style of the mode. Where room is short, scope goes first, then the alias."""
        room = (self.app.size.width or 80) - len(mode) - 16
        named, said = f"{account} {alias}".strip(), ""
        for parts in (
            (named, scope, operator, clock),
            (named, operator, clock),
            (account, operator, clock),
            (account, clock),
        ):
            said = "  ".join(part for part in parts if part)
            if len(said) <= room:
                break
        self.update(line(" ", ("vpce-tui ", "bold"), (f" {mode} ", look), "  " + short(said, max(room, 8))))


class CrumbBar(Steady):
    """Where am I, and how complete is what I see."""

    def show(self, crumbs: str, coverage: str, *, complete: bool | None) -> None:
        """Say it; ``complete`` None while the search runs."""
        width = self.app.size.width or 80
        mark = "" if not coverage else {True: f"{sign('✔')} ", False: "! ", None: f"{sign('…')} "}[complete]
        right = short(mark + coverage, max(width // 2 + 6, 10))
        left = short(crumbs, max(width - len(right) - 3, 10))
        gap = " " * max(1, width - len(left) - len(right) - 2)
        self.update(line(f" {left}{gap}", (right, "bold" if complete is False else "")))


class KeyBar(Steady):
    """The keys that work here and now, most needed first."""

    def show(self, keys: Sequence[KeyHint]) -> None:
        """Say as many as fit."""
        width = self.app.size.width or 80
        parts: list[tuple[str, str] | str] = [" "]
        used, shown = 1, False
        last = next((key for key in keys if key.key == "?"), None)
        for key in keys:
            if last is not None and key is not last and key.key == last.key:
                continue
            mark = sign("◆") if key.changes else ""
            size = len(mark) + len(key.key) + 1 + len(key.label) + 2
            kept = 0 if last is None or key is last else 8  # the way to help is always there
            if used + size + kept > width:
                if last is not None and key is not last and not shown:
                    parts += [("?", "bold $accent"), " help"]
                break
            parts += [(f"{mark}{key.key}", "bold $warning" if key.changes else "bold $accent"), f" {key.label}  "]
            used += size
            shown = shown or key is last
        self.update(Content.assemble(*parts))
