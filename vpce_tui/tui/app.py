"""The app: mode, identity, which screen. Everything slow is on a thread; the first screen is there at once."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.filter import LineFilter, Monochrome
from textual.screen import ModalScreen

from vpce_tui.core.text import short, visible
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.command_palette import Commands
from vpce_tui.tui.incident_actions import IncidentActions
from vpce_tui.tui.screens.event_detail import EventScreen
from vpce_tui.tui.screens.event_list import EventsScreen
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.dialogs import Read
from vpce_tui.tui.widgets.keymap import Keymap, binding
from vpce_tui.tui.widgets.safe_text import NO_COLOR, SCRUB, SafeCrash, line, lines

THEMES = {"dark": "textual-dark", "light": "textual-light"}


class VpceTui(SafeCrash, IncidentActions):
    """The app over a :class:`~vpce_tui.investigation.workspace.Workspace`."""

    CSS_PATH = "app.tcss"
    TITLE = "vpce-tui"
    COMMANDS = {Commands}  # noqa: RUF012 - as Textual has it
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("quit", "leave_app"),
        Binding("ctrl+c", "leave_app", show=False, priority=True),
        binding("palette", "command_palette"),
        binding("messages", "messages"),
        binding("events", "number('events')"),
        binding("instances", "number('instances')"),
        binding("incident", "number('incident')"),
        Binding("ctrl+z", "suspend_process", show=False),
    ]

    def __init__(
        self,
        workspace: Workspace,
        *,
        theme: str = "",
        target: str = "",
        lab: bool = False,
        emulated: bool = False,
        open_record: "Callable[[str, str], Any] | None" = None,
        keymap: Keymap | None = None,
    ) -> None:
        super().__init__()
        self.keymap = keymap or Keymap()
        self.messages: deque[tuple[datetime, str]] = deque(maxlen=100)
        """What was said, with the time it was said at."""
        self.workspace = workspace
        self._start_at = target
        self.open_record = open_record
        self._asked_to_leave = False
        self._chosen: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        """Answers by playbook and target: they outlive the screen."""
        self.lab, self.emulated = lab, emulated
        wanted = theme or os.environ.get("VPCE_TUI_THEME", "dark")
        self.theme = THEMES.get(wanted, "textual-dark")

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's, with true absence of colour for ``NO_COLOR``, and the scrubber last."""
        filters = [NO_COLOR if isinstance(item, Monochrome) else item for item in super().get_line_filters()]
        return [*filters, SCRUB]

    def on_mount(self) -> None:
        self.set_keymap(dict(self.keymap.own))
        self.push_screen(EventsScreen())
        self.set_interval(1 / 20, self.deliver)
        self.workspace.listen(self._arrive)
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self.refresh, layout=True))
        self.call_after_refresh(self.workspace.start)
        self.call_after_refresh(self.read_known_incidents)

    def now(self) -> datetime:
        """The time, from the workspace's clock."""
        return self.workspace.clock()

    def ago(self, moment: datetime | None) -> str:
        """``13 min ago``; ``""`` where there is no time."""
        return ago(moment, self.now())

    def top_line(self) -> tuple[str, str, str, str, str, str, str]:
        """Mode with its look, account, alias, scope, operator, clock."""
        workspace = self.workspace
        identity = workspace.identity
        waiting = len(self.open_incidents)
        mode, look = f"NO INCIDENT OPEN{f', {waiting} to resume' if waiting else ''}", "bold"
        if workspace.read_only:
            mode, look = "READ-ONLY", "bold $success"
        elif workspace.journal is not None:
            mode, look = f"INCIDENT {workspace.journal.name}", "bold $text-error on $error-muted"
            if not workspace.journal.writable:
                locked = "locked by another process" if workspace.journal.holder else "read-only"
                mode, look = f"{mode} ({locked})", "bold $warning"
        account = (
            f"{'LAB ' if self.lab or self.emulated else ''}{identity.account}"
            if identity
            else "files only"
            if workspace.log_files
            else self.connecting()
            if not workspace.problem
            else "not signed in"
        )
        regions = len(workspace.regions)
        scope = (workspace.regions[0] if regions == 1 else f"{regions} regions") if regions else ""
        operator = identity.operator if identity else ""
        return mode, look, account, workspace.alias, scope, operator, self.now().strftime("%H:%MZ")

    # -- where to

    def action_number(self, name: str) -> None:
        """A number key: one of the base screens."""
        if isinstance(self.screen, Frame):
            self.action_go(name)

    def action_go(self, name: str) -> None:
        """Show one of the base screens."""
        if isinstance(self.screen, ModalScreen) or (isinstance(self.screen, Frame) and self.screen.base == name):
            return
        if any(isinstance(screen, Frame) and screen.running for screen in self.screen_stack):
            self.say("A step is running; wait until it has ended.")
            return
        if name == "incident":  # over where one is: Escape goes back there
            from vpce_tui.tui.screens.incident import IncidentScreen  # noqa: PLC0415

            self.push_screen(IncidentScreen())
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if isinstance(self.screen, Frame) and self.screen.base == name:
            return  # it is there, with its row
        # Screens that are not the first one are imported when they are wanted: the first paint does not wait for them.
        if name == "events":
            self.switch_screen(EventsScreen())
        else:
            from vpce_tui.tui.screens.instance_list import InstancesScreen  # noqa: PLC0415

            self.push_screen(InstancesScreen())

    def _arrive(self) -> None:
        """Open at the id that was given on the command line, as soon as it is known."""
        target = self._start_at
        if not target:
            return
        workspace = self.workspace
        if target.startswith("i-"):
            if workspace.identity is not None or workspace.log_files is not None:
                self._start_at = ""
                self.open_instance(target)
            return
        if target.startswith(("user/", "role/", "AKIA", "arn:", "eni-")) and self.names_a_target(target):
            if workspace.identity is not None:
                self._start_at = ""
                self.open_playbooks([(target, workspace.client.home_region)])
            return
        for item in workspace.assessed:
            if target in (item.event.id, item.request.endpoint_id):
                self._start_at = ""
                self.push_screen(EventScreen(item))
                return
        if workspace.settled:
            self._start_at = ""
            self.say(
                f"No event or endpoint {target} in this time range. See the coverage ({self.keymap.shown('coverage')})."
            )

    def open_instance(self, instance_id: str) -> None:
        """Open the page of an instance."""
        from vpce_tui.tui.screens.instance_list import InstanceScreen  # noqa: PLC0415

        self.push_screen(InstanceScreen(instance_id))

    def open_event(self, event_id: str) -> None:
        """One event, by its id, among all that is known."""
        past = self.workspace.assessment_inputs().past
        found = next((event for event in past.ordered if event.id == event_id), None)
        if found is None:
            self.say(f"Event {event_id} was not found.")
        else:
            self.open_known_event(found)

    def open_known_event(self, event: Any) -> None:
        """One event that is at hand."""
        self.push_screen(EventScreen(self.workspace.assessment_of(event)))

    def open_around(self, event: Any, relation: Any, also: Sequence[Any] = ()) -> None:
        """The events of the same key, address, principal, …"""
        from vpce_tui.tui.screens.related_events import RelatedEventsScreen  # noqa: PLC0415

        self.push_screen(RelatedEventsScreen(event, relation, also))

    def open_traffic(self, target: str, region: str) -> None:
        """The traffic of an endpoint or an instance."""
        from vpce_tui.tui.screens.traffic import TrafficScreen  # noqa: PLC0415

        self.push_screen(TrafficScreen(target, region))

    def open_analyzer(self, checks: Sequence[Any]) -> None:
        """What IAM Access Analyzer can be asked of a policy."""
        from vpce_tui.tui.screens.policy_check import PolicyCheckScreen  # noqa: PLC0415

        self.push_screen(PolicyCheckScreen(checks))

    @staticmethod
    def names_a_target(text: str) -> bool:
        """Whether playbooks act on what ``text`` names: ``user/NAME``, ``role/NAME``, a key, an instance, an endpoint."""
        from vpce_tui.plans.targets import KINDS  # noqa: PLC0415

        return any(kind.pattern.fullmatch(text) for kind in KINDS.values())

    def open_playbooks(self, targets: Sequence[tuple[str, str]]) -> None:
        """The playbooks for some targets, each as (id, region)."""
        from vpce_tui.tui.screens.playbook_list import PlaybooksScreen  # noqa: PLC0415

        if self.workspace.client is not None:
            found = [(name, self._region_of(name, region)) for name, region in targets]
            found += [
                (f"role/{role}", region)
                for name, region in targets
                for role in self.workspace.roles_of(name)
                if (f"role/{role}", region) not in found
            ]
            identity = self.workspace.identity
            if identity is not None:
                found.append((identity.account, self.workspace.client.home_region))
            gateways = {item.request.endpoint_id for item in self.workspace.assessed if item.request.type == "Gateway"}
            self.push_screen(PlaybooksScreen(found, without_interfaces=gateways))

    def _region_of(self, target: str, otherwise: str) -> str:
        """Where an instance or an endpoint that the lists know is."""
        workspace = self.workspace
        known = {item.request.endpoint_id: item.event.region for item in workspace.assessed if item.request.endpoint_id}
        known |= {item.instance.id: item.instance.region for item in workspace.instances}
        return known.get(target, otherwise)

    def walk_through(self, playbook: str, target: str, region: str) -> None:
        """Open a playbook on a target."""
        from vpce_tui.engine.playbook_session import PlaybookSession  # noqa: PLC0415
        from vpce_tui.tui.screens.walkthrough import WalkthroughScreen  # noqa: PLC0415

        if any(isinstance(screen, Frame) and screen.running for screen in self.screen_stack):
            self.say("A step is running; wait until it has ended.")
            return
        while any(isinstance(screen, WalkthroughScreen) for screen in self.screen_stack):
            self.pop_screen()
        chosen = self._chosen.setdefault((playbook, target), {})
        role = target.removeprefix("role/") if target.startswith("role/") else ""
        held = self.workspace.instances_that_held(role) if role else ()
        if playbook == "revoke-credentials" and held:  # also of an instance that no longer has the role
            chosen.setdefault("persistence", {}).setdefault("sessions", ",".join(held))
        session = PlaybookSession(
            self.workspace.client,
            self.workspace.clock,
            playbook,
            target,
            region,
            chosen,
            self.workspace.event_history(),
        )
        self.push_screen(WalkthroughScreen(session))

    def deliver(self) -> None:
        """Take what the background has found; not after the screens were closed, as the app may still tick then."""
        if self.screen_stack:
            self.workspace.deliver()

    def show_changed(self) -> None:
        """Draw what has changed on the screen in front."""
        if isinstance(self.screen, Frame):
            self.screen.update()

    def show_signals(self) -> None:
        """Every rule in words."""
        from vpce_tui.tui.screens.rules import rules_text  # noqa: PLC0415
        from vpce_tui.tui.widgets.dialogs import Read  # noqa: PLC0415

        self.push_screen(Read("Signals", rules_text()))

    # -- small things

    def connecting(self) -> str:
        """What is being waited for before the first answer."""
        return "starting the lab's AWS" if self.lab else "signing in"

    def say(self, text: str) -> None:
        """A short message that goes away, and is kept among the messages."""
        said = visible(text, limit=600)
        self.messages.append((self.now(), said))
        self.clear_notifications()  # one at a time: the others are behind a key
        self.notify(said, markup=False, timeout=5)

    def action_messages(self) -> None:
        """Show the last messages, the newest first."""
        if isinstance(self.screen, ModalScreen):
            return
        found = [line((f"{at:%H:%M:%SZ}  ", "dim"), text) for at, text in reversed(self.messages)]
        self.push_screen(Read("Messages", lines(found or [line("No message yet.")])))

    def copy(self, text: str, what: str = "") -> None:
        """To the terminal's clipboard."""
        safe = visible(text, limit=200_000, multiline=True)
        self.copy_to_clipboard(safe)
        self.say(f"sent {what or short(safe, 60)} to the terminal's clipboard (in tmux: set -g set-clipboard on)")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy, with nothing in it that could steer a terminal."""
        super().copy_to_clipboard(visible(text, limit=200_000, multiline=True))

    def action_theme(self) -> None:
        """Light or dark."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"

    def action_leave_app(self) -> None:
        """Leave; while a step runs, only when asked twice."""
        if isinstance(self.screen, ModalScreen):
            self.screen.dismiss(None)
            return
        running = any(isinstance(screen, Frame) and screen.running for screen in self.screen_stack)
        if running and not self._asked_to_leave:
            self._asked_to_leave = True
            self.say(
                f"A step is running. Leave anyway ({self.keymap.shown('quit')}): it is recorded and can be resumed."
            )
            return
        self.exit(0)


def ago(moment: datetime | None, now: datetime) -> str:
    """A time as people say it: ``13 min ago``."""
    if moment is None:
        return ""
    seconds = (now - moment.astimezone(UTC)).total_seconds()
    if seconds < 0:
        return "just now" if seconds > -300 else "in the future"
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds // 86400)} d ago"
