"""The command palette: where to go and what to do, by name; a target that is typed has its playbooks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from vpce_tui.core.text import visible
from vpce_tui.investigation.workspace import Workspace


class PaletteApp(Protocol):
    """The app, as the palette sees it."""

    workspace: Workspace

    def action_go(self, name: str) -> None:
        """Show one of the base screens."""

    def open_incident(self, about: str, then: Callable[[], Any], known: Sequence[str] = ()) -> None:
        """Ask for an incident and open it."""

    def action_resume_playbook(self) -> None:
        """Resume the playbook that was run last."""

    def action_close_incident(self) -> None:
        """Close the incident."""

    def leave_incident(self) -> None:
        """Leave it open, and show none."""

    def show_signals(self) -> None:
        """Every detection rule."""

    def action_theme(self) -> None:
        """Other colours."""

    def exit(self) -> None:
        """Leave."""

    def names_a_target(self, text: str) -> bool:
        """Whether playbooks act on what ``text`` names."""

    def open_playbooks(self, targets: Sequence[tuple[str, str]]) -> None:
        """The playbooks for some targets, each as (id, region)."""


class Commands(Provider):
    """What the palette offers: the same actions as the keys, by name."""

    def _all(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        app = cast(PaletteApp, self.app)
        yield "Events", "events, assessed", lambda: app.action_go("events")
        yield "Instances", "instances, assessed", lambda: app.action_go("instances")
        yield "Incident", "the record of the open incident", lambda: app.action_go("incident")
        if not app.workspace.read_only and app.workspace.journal is None:
            yield "Open an incident", "without one nothing can be changed", lambda: app.open_incident("", lambda: None)
        if app.workspace.journal is not None:
            yield "Resume playbook", "the one that needs attention, else the one begun last", app.action_resume_playbook
            yield "Close the incident", "it becomes read-only", app.action_close_incident
            yield (
                "Leave the incident",
                "detach it from this window; the incident stays open and can be resumed",
                app.leave_incident,
            )
        yield "Rules", "every detection rule: what it checks, why it matters, false positives", app.show_signals
        yield "Refresh", "read new events and the current state", app.workspace.refresh
        yield "Switch theme", "light or dark colours", app.action_theme
        yield "Quit", "leave vpce-tui", app.exit

    async def discover(self) -> Hits:
        for name, help_text, run in self._all():
            yield DiscoveryHit(Content(name), run, text=name, help=help_text)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, run in self._all():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, Content(name), run, text=name, help=help_text)
        app, target = cast(PaletteApp, self.app), query.strip()
        if app.workspace.client is not None and app.names_a_target(target):
            said = f"Playbooks on {target}"
            yield Hit(
                1,
                Content(visible(said)),
                lambda: app.open_playbooks([(target, app.workspace.client.home_region)]),
                text=said,
            )
