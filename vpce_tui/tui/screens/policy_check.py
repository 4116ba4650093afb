"""AWS's own check of the policy that an event set: what is asked, what it costs, and, when it was asked, the answers."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.core.text import many, sign
from vpce_tui.investigation.access_analyzer import PRICE, PolicyCheck, PolicyCheckResult, ask
from vpce_tui.tui.screens.frame import READING, Frame
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines

_ABOUT = (
    "IAM Access Analyzer proves what a policy can grant. It does not know your trust zone, and assumes that each condition is met: "
    "a no is definite, a yes may still be limited by a condition. The policy is sent to AWS; nothing is changed."
)


class PolicyCheckScreen(Frame):
    """The questions with their cost, then the answers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", "ask"),
        *READING,
    ]

    def __init__(self, checks: Sequence[PolicyCheck]) -> None:
        super().__init__()
        self.checks = tuple(checks)
        self.answers: tuple[PolicyCheckResult, ...] = ()
        self.problem = ""
        self.asking = False

    @property
    def crumb(self) -> str:
        return "IAM Access Analyzer"

    def body(self) -> ComposeResult:
        yield Page(classes="reading", id="page")

    def crumbs(self) -> str:
        return self.breadcrumbs()

    @property
    def cost(self) -> str:
        """What asking costs."""
        billed = sum(check.billed for check in self._open())
        return f"{billed} x {PRICE}" if billed else "free"

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        found = [hint("back")]
        if self._open():
            found.append(hint("open", f"run the check ({self.cost})"))
        return [*found, keys.pair("down", "up", "scroll"), hint("help"), hint("quit")]

    def _open(self) -> tuple[PolicyCheck, ...]:
        """What was not answered: the same is not asked, and paid, twice."""
        answered = {answer.question for answer in self.answers if answer.good is not None}
        return tuple(check for check in self.checks if check.question not in answered)

    def show(self) -> None:
        width = max(self.query_one("#page").size.width - 4, 40)
        found = [*hanging("", _ABOUT, width, "dim"), line("")]
        if self.problem:
            found += [line(("The check could not be run.", "bold")), *hanging("", self.problem, width), line("")]
        answers = {answer.question: answer for answer in self.answers}
        for check in self.checks:
            found += _about(check, answers.get(check.question), width)
        if self.asking:
            found.append(line(f"Sending IAM Access Analyzer {many(len(self._open()), 'question')}…"))
        elif self._open():
            found.append(line(f"Run the check ({self.main.keymap.shown('open')}): {self.cost}."))
        self.query_one("#page", Page).show(lines(found))

    def action_ask(self) -> None:
        """Ask IAM Access Analyzer."""
        client, checks = self.workspace.client, self._open()
        if self.asking or client is None or not checks:
            return
        self.asking, self.problem = True, ""
        self.workspace.background.start("analyzer", lambda: ask(client, checks), self._answered, self._failed)
        self.update()

    def _answered(self, answers: tuple[PolicyCheckResult, ...]) -> None:
        again = {answer.question for answer in answers}
        kept = (answer for answer in self.answers if answer.question not in again)
        self.asking, self.answers = False, (*kept, *answers)
        self.update()

    def _failed(self, error: Exception) -> None:
        self.asking, self.problem = False, str(error)
        self.update()


def _about(check: PolicyCheck, answer: PolicyCheckResult | None, width: int) -> list[Content]:
    call = f"{check.call.operation}, {PRICE if check.billed else 'free'}"
    found = [*hanging("", check.question, width, "", "bold"), line((f"  {call}", "dim"))]
    if answer is None:
        return [*found, line("")]
    mark, look = {True: (sign("✔"), "$success"), False: ("!", "bold $warning"), None: (sign("…"), "bold")}[answer.good]
    for number, said in enumerate(answer.said):
        found += hanging(f"  {mark if number == 0 else ' '} ", said, width, "", look if number == 0 else "")
    return [*found, line("")]
