"""What screens may ask of the app that shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.widgets.keymap import Keymap

if TYPE_CHECKING:
    from vpce_tui.cloudtrail.event import Event
    from vpce_tui.detection.pivot import Relation
    from vpce_tui.investigation.access_analyzer import PolicyCheck


class AppServices(Protocol):
    """The app, as its screens see it."""

    workspace: Workspace
    open_incidents: list[tuple[str, str]]
    keymap: Keymap

    def now(self) -> datetime:
        """The time."""

    def ago(self, moment: datetime | None) -> str:
        """A time as people say it."""

    def top_line(self) -> tuple[str, str, str, str, str, str, str]:
        """Mode with its look, account, alias, scope, operator, clock."""

    def connecting(self) -> str:
        """What is being waited for before the first answer."""

    def say(self, text: str) -> None:
        """A short message that goes away."""

    def copy(self, text: str, what: str = "") -> None:
        """To the terminal's clipboard."""

    def open_instance(self, instance_id: str) -> None:
        """Open the page of an instance."""

    def open_event(self, event_id: str) -> None:
        """One event, by its id."""

    def open_known_event(self, event: Event) -> None:
        """One event that is at hand."""

    def open_around(self, event: Event | None, relation: Relation | None, also: Sequence[Relation] = ()) -> None:
        """The events of the same key, address, principal, …; None: of whatever is closest. ``also``: where to continue from there."""

    def open_traffic(self, target: str, region: str) -> None:
        """The traffic of an endpoint or an instance."""

    def open_analyzer(self, checks: Sequence[PolicyCheck]) -> None:
        """What IAM Access Analyzer can be asked of a policy."""

    def open_playbooks(self, targets: Sequence[tuple[str, str]]) -> None:
        """The playbooks for some targets, each as (id, region)."""

    def walk_through(self, playbook: str, target: str, region: str) -> None:
        """Open a playbook on a target."""

    def open_incident(self, about: str, then: Callable[[], Any], known: Sequence[str] = ()) -> None:
        """Ask for a name, open or make the incident, continue. ``known``: open incidents that are about it already."""
