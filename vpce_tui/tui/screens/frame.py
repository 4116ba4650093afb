"""The frame every screen keeps: mode and identity, where and how complete, the body, the keys."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import ClassVar, Final, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen

from vpce_tui.core.coverage import Coverage, Part, Status
from vpce_tui.core.text import sign, visible
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.screens.app_services import AppServices
from vpce_tui.tui.widgets.bars import CrumbBar, KeyBar, TopBar
from vpce_tui.tui.widgets.dialogs import Read
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import line, lines
from vpce_tui.tui.widgets.steady import Steady

WIDE = 130
SMALLEST = (60, 15)
_BAR = 20
"""Cells of the bar of the look back."""


READING: Final = (
    binding("down", "scroll(3)"),
    binding("up", "scroll(-3)"),
    binding("page-down", "scroll_page(1)"),
    binding("page-up", "scroll_page(-1)"),
    binding("top", "scroll(-100000)"),
    binding("bottom", "scroll(100000)"),
)
"""The keys of a screen whose ``#page`` is read."""


class Frame(Screen[None]):
    """A screen of the app. Subclasses give :meth:`body`, :meth:`keys`, :meth:`crumbs` and :meth:`show`."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("back", "leave"),
        binding("help", "help"),
        binding("coverage", "coverage"),
    ]

    base = ""
    """The name under which a number key leads here."""
    page: ClassVar = "#page"
    """The text that the keys of a reader scroll."""
    laid_out = False
    """Whether every part of it is there: a key may be pressed before."""

    def __init__(self) -> None:
        super().__init__()
        self._unpainted = ExitStack()
        """What keeps the screen unpainted until its parts have their sizes: it is painted once, whole."""

    @property
    def crumb(self) -> str:
        """What this screen is called in the breadcrumbs of those that were opened from it."""
        return ""

    @property
    def is_current(self) -> bool:
        """Whether it can be seen: only dialogs are above it.

        Textual counts the screen below the top one as seen even when the top one covers it, and repaints all of the
        top one for each change below.
        """
        if not self.is_running:
            return False
        for screen in reversed(self.app.screen_stack):
            if screen is self or not screen.is_modal:
                return screen is self
        return False

    @property
    def running(self) -> bool:
        """Whether something that changes AWS is under way here."""
        return False

    def compose(self) -> ComposeResult:
        self._classes_of_size()
        if not self.laid_out:
            self._unpainted.enter_context(self.app.batch_update())
        yield TopBar(id="top")
        yield CrumbBar(id="crumbs")
        with Container(id="body"):
            yield from self.body()
        yield Steady(id="small")
        yield KeyBar(id="keys")

    def _classes_of_size(self) -> None:
        """Give the screen the classes of its size before it is laid out; Textual gives them after, and lays it out anew."""
        width, height = self.app.size
        for length, breakpoints in ((width, self.HORIZONTAL_BREAKPOINTS), (height, self.VERTICAL_BREAKPOINTS)):
            *_, fitting = (name for least, name in breakpoints if length >= least)
            for _, name in breakpoints:
                self.set_class(name == fitting, name)

    def body(self) -> ComposeResult:
        """The widgets between the lines that stay."""
        raise NotImplementedError

    def keys(self) -> Sequence[KeyHint]:
        """The keys for the last line, most needed first."""
        return ()

    def crumbs(self) -> str:
        """Title line of the screen."""
        return ""

    def breadcrumbs(self) -> str:
        """The way here: every screen that this one was opened from, and itself."""
        steps = [screen.crumb for screen in self.app.screen_stack if isinstance(screen, Frame) and screen.crumb]
        return " › ".join(steps)

    def searched(self) -> Coverage | None:
        """What the list on screen was searched in; None where there is no list."""
        return None

    def asked_at(self) -> datetime | None:
        """When AWS was asked for what is on screen."""
        return self.workspace.fetched_at

    def show(self) -> None:
        """Show the state as it is now."""

    @property
    def main(self) -> AppServices:
        """The app."""
        return cast(AppServices, self.app)

    @property
    def workspace(self) -> Workspace:
        """What the app works on."""
        return self.main.workspace

    def on_mount(self) -> None:
        self.workspace.listen(self.update)
        self.set_interval(5, self.update)
        self.update()
        self.call_after_refresh(self._laid_out)

    def on_unmount(self) -> None:
        self.workspace.forget(self.update)
        self._unpainted.close()

    def _laid_out(self) -> None:
        """Every part is there, and has its width."""
        self.laid_out = True
        self.update()
        self.call_later(self._unpainted.close)

    def on_resize(self) -> None:
        width, height = self.app.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-small")
        if small:
            wanted = f"{SMALLEST[0]}x{SMALLEST[1]}"
            self.query_one("#small", Steady).update(line(f"{width}x{height} is too small; vpce-tui needs {wanted}"))
        self.update()
        self.call_after_refresh(self.update)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While nothing can be shown, or not every part is there yet, no key of this screen does anything."""
        if self.has_class("-small") or not self._complete():
            return False
        return super().check_action(action, parameters)

    def _complete(self) -> bool:
        if not self.laid_out and self.is_mounted and all(part.is_mounted for part in self.query("*")):
            self._laid_out()
        return self.laid_out

    def on_screen_resume(self) -> None:
        self.update()

    def update(self) -> None:
        """Refresh the lines that stay, and the body."""
        if not self.is_mounted or not self.is_current or not self.query("#top"):
            return  # not there yet, or going already
        self.query_one("#top", TopBar).show(*self.main.top_line())
        self._show_crumbs()
        self.query_one("#keys", KeyBar).show(self.keys())
        self.show()

    def _show_crumbs(self) -> None:
        searched = self.searched()
        bar = self.query_one("#crumbs", CrumbBar)
        if self.workspace.problem:
            bar.show(self.crumbs(), visible(self.workspace.problem), complete=False)
        elif searched is None:
            bar.show(self.crumbs(), "", complete=True)
        elif searched.running or not searched.parts:
            done = sum(part.status is not Status.RUNNING for part in searched.parts)
            said = f"{done} of {len(searched.parts)} {searched.kind}" if searched.parts else self.main.connecting()
            bar.show(self.crumbs(), said, complete=None)
        else:
            age = self.main.ago(searched.newest)
            said = searched.sentence() + (f" · newest {age}" if age else "")
            asked = self.asked_at()
            if asked and self.app.size.width >= WIDE:
                said += f" · read {self.main.ago(asked)}"
            looking = self.workspace.history_coverage
            if looking.running and searched is not looking:
                said = f"{searched.sentence()} · {self._lookback(looking)}"
            bar.show(self.crumbs(), said, complete=searched.complete)

    def _lookback(self, looking: Coverage) -> str:
        """How far the look back is: a bar where there is room, and the time that is left."""
        total, done = len(looking.parts), sum(part.status is not Status.RUNNING for part in looking.parts)
        wide = self.app.size.width >= WIDE
        full = round(_BAR * done / total) if total else 0
        bar = f"{sign('█') * full}{sign('░') * (_BAR - full)} " if wide else ""
        seconds = self.workspace.seconds_left
        left = f", {'about ' if wide else ''}{seconds:.0f} s{' left' if wide else ''}" if seconds else ""
        return f"{'event ' if wide else ''}history {bar}{done}/{total}{left}"

    def action_leave(self) -> None:
        """Go back to where we came from."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        elif (
            self.workspace.coverage.running
            or self.workspace.instance_coverage.running
            or self.workspace.history_coverage.running
        ):
            self.workspace.stop()

    def action_scroll(self, by: int) -> None:
        """Scroll the page by lines."""
        self.query_one(self.page, Page).scroll_relative(y=by, animate=False)

    def action_scroll_page(self, by: int) -> None:
        """Scroll the page by its height, but for two lines."""
        height = self.query_one(self.page, Page).scrollable_content_region.height
        self.action_scroll(by * max(height - 2, 1))

    def action_help(self) -> None:
        """What the keys of this screen do; those of its last line first."""
        hints = self.keys()
        changing = {hint.key for hint in hints if hint.changes}
        order = {hint.key: number for number, hint in enumerate(hints)}
        here = {hint.key: hint.label for hint in hints}
        names = {active.binding.id for active in self.active_bindings.values() if active.binding.id}
        found = [
            line((f" {sign('◆') if key in changing else ' '} {key:<8}", "bold"), _said_here(does, here.get(key, "")))
            for key, does in sorted(self.main.keymap.help(names), key=lambda item: order.get(item[0], len(order)))
        ]
        self.app.push_screen(Read("Keys on this screen", lines([*found, line(""), *_MEANINGS])))

    def action_coverage(self) -> None:
        """What was looked at, what was not, and why."""
        searched = self.searched()
        if searched is not None:
            found = [coverage_text(searched, self.workspace.problem)]
            if self.workspace.history_coverage.parts and searched is not self.workspace.history_coverage:
                found += [
                    line(""),
                    line(("event history queries", "bold")),
                    coverage_text(self.workspace.history_coverage),
                ]
            self.app.push_screen(Read("Coverage", lines(found)))


def _said_here(does: str, label: str) -> str:
    """What a key does, with what it does on this screen where the last line says something else."""
    return does if not label or label in does else f"{label}: {does}"


def coverage_text(coverage: Coverage, problem: str = "") -> Content:
    """The coverage, part by part, what is missing first."""
    found = [line((visible(problem), "bold $error")), line("")] if problem else []
    found += [line(note) for note in coverage.notes]
    alike: dict[str, list[Part]] = {}
    missing = coverage.missing
    for part in missing:
        alike.setdefault(f"{part.status.value}: {part.reason}", []).append(part)
    for said, parts in alike.items():
        named = ", ".join(f"{part.name} ({part.note})" if part.note else part.name for part in parts)
        found.append(line(("! ", "bold"), (said, "bold")))
        found.append(line(f"    {named}"))
    for part in coverage.parts:
        if part not in missing:
            found.append(
                line((f"{sign('✔')} {part.name}", ""), f"  {part.status.value}, {part.items:,} found  {part.note}")
            )
    return lines(found or [line("nothing was searched yet")])


_MEANINGS = [
    line(
        "A key with ",
        (sign("◆"), "bold $warning"),
        " leads to changes in AWS. In read-only mode it is not shown.",
    ),
    line("Severity: ▲▲ CRITICAL  ▲ HIGH  ● MEDIUM  · LOW  i INFO; under the bars C H M ·"),
    line("– mitigating   … inconclusive   ↗ leads to an external service"),
    line("(record) the event says so   (live) current state of the account   (history) other events"),
    line("Steps: ○ to do  ▶ running  ✔ verified  ✎ done manually  ! needs attention  ✖ failed  ↩ undone  – skipped"),
]
