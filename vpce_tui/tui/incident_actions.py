"""What an operator does with an incident: open one, resume one, continue its playbook, close it, leave it."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from textual.app import App

from vpce_tui.aws.errors import error_message
from vpce_tui.incident.rows import IncidentClosed
from vpce_tui.incident.states import StepState
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.incident_text import playbook_to_resume, read_only_because, unfinished_lines
from vpce_tui.tui.widgets.dialogs import Ask, Read
from vpce_tui.tui.widgets.keymap import Keymap
from vpce_tui.tui.widgets.safe_text import line, lines


class IncidentActions(App[int]):
    """The part of the app that holds the incident."""

    workspace: Workspace
    keymap: Keymap
    open_record: "Callable[[str, str], Any] | None"
    """Opens the record of an incident by its name, for a reason."""
    lab: bool
    """Whether AWS is the lab, which begins anew each time."""
    open_incidents: Sequence[tuple[str, str]] = ()
    """Open records on this host, none of which is open here; each with the playbooks that were run in it."""

    @abstractmethod
    def now(self) -> datetime:
        """The time by AWS's clock, where it is known."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show a message, and keep it."""

    @abstractmethod
    def copy(self, text: str, what: str = "") -> None:
        """To the terminal's clipboard."""

    @abstractmethod
    def show_changed(self) -> None:
        """Draw what has changed on the screen in front."""

    @abstractmethod
    def walk_through(self, playbook: str, target: str, region: str) -> None:
        """Open a playbook on a target."""

    def read_known_incidents(self) -> None:
        """Which incidents are open on this host, and what was called in all of them; off the screen's thread, as records may be long."""
        from vpce_tui.incident.incident_store import KnownIncidents, known_incidents  # noqa: PLC0415

        def then(found: KnownIncidents) -> None:
            self.open_incidents = found.open
            self.workspace.recorded(found)
            self.show_changed()

        self.workspace.background.start(
            "incidents", known_incidents, then, lambda error: self.say(error_message(error))
        )

    def open_incident(self, about: str, then: Callable[[], Any], known: Sequence[str] = ()) -> None:
        """Ask for a name, open or make the incident, continue. ``known``: open incidents that are about it already."""
        if self.workspace.read_only:
            self.say("This process is read-only: no incident is opened.")
            return
        suggestion = f"case-{self.now():%m%d}" + (f"-{''.join(filter(str.isalnum, about))[-4:]}" if about else "")

        question = "Incident name (an existing incident is resumed). All changes are recorded in it:"
        if known:
            what = f" for {about}" if about else " on this host"
            question = f"{', '.join(known)} is open{what}. Keep its name to resume it, or type a new name:"

        def answered(name: str | None) -> None:
            if name:
                self.work_in(name, then)

        self.push_screen(
            Ask("Open an incident", question, known[0] if known else suggestion, wrong=_wrong_name), answered
        )

    def work_in(self, name: str, then: Callable[[], Any]) -> None:
        """Open the incident called ``name``."""
        if self.workspace.read_only:
            self.say("This process is read-only: no incident is opened. Check it with vpce-tui verify.")
            return
        if self.workspace.journal is not None and self.workspace.journal.busy:
            self.say("A step is running; wait until it has ended.")
            return
        opener = self.open_record
        client = self.workspace.client
        if opener is None or client is None:
            self.say("Not signed in yet; try again in a moment.")
            return
        try:
            journal = opener(name, "")
        except Exception as error:
            self.say(error_message(error))
            return
        self.leave_incident()
        self.workspace.journal = journal
        if not journal.writable:
            self.say(read_only_because(journal))
        else:
            client.gate.open_incident(journal)
        self.show_changed()
        if self.lab and journal.record().steps and journal.record().opened_at < self.workspace.started_at:
            self.say(f"This lab is new: what {name} records was done in an earlier one, and is not in effect here.")
        if journal.writable:
            then()

    def action_resume_playbook(self, target: str = "", *, quiet: bool = False) -> None:
        """Resume the playbook of the open incident (on ``target``, where one is named) that needs attention most, then the one that is
        not finished; of several the one begun last."""
        journal = self.workspace.journal
        found = playbook_to_resume(journal.record(), target) if journal is not None else None
        if found is not None:
            self.walk_through(str(found["playbook"]), str(found["target"]), str(found["region"]))
        elif not target and not quiet:
            self.say(
                f"No playbook was run in this incident yet. Open an instance, then its playbooks ({self.keymap.shown('playbooks')})."
            )

    def action_close_incident(self) -> None:
        """Close the incident: it becomes read-only."""
        journal = self.workspace.journal
        if journal is None or not journal.writable:
            return
        if journal.busy:
            self.say("A step is running; the incident stays open until it has ended.")
            return

        def answered(typed: str | None) -> None:
            if typed == journal.name:
                try:
                    head = journal.append(IncidentClosed()).hash
                except Exception as error:
                    self.say(error_message(error))
                    return
                self.leave_incident()
                said = f"{journal.name} is closed. Store its head hash elsewhere, as in the ticket: with it, vpce-tui verify "
                said += (
                    f"{journal.name} --expect-head HASH shows whether rows were removed or the record was rewritten."
                )
                self.push_screen(
                    Read(
                        "Incident closed",
                        lines([line(said), line(""), line(head)]),
                        copy=lambda: self.copy(head, "the head hash"),
                    )
                )

        left = unfinished_lines(journal.record(), frozenset(StepState))
        body = [line(("Not finished", "bold $warning")), *(line(f"{name}: {titles}") for name, titles in left)]
        self.push_screen(
            Ask(
                "Close the incident",
                f"The incident becomes read-only. Type {journal.name} to close it:",
                must_be=journal.name,
                body=lines(body) if left else None,
            ),
            answered,
        )

    def leave_incident(self) -> None:
        """Close the record here; not while a step runs on it."""
        if self.workspace.journal is not None and self.workspace.journal.busy:
            self.say("A step is running; the incident stays open until it has ended.")
            return
        if self.workspace.journal is not None:
            self.workspace.client.gate.open_incident(None)
            self.workspace.journal.close()
            self.workspace.journal = None
            self.read_known_incidents()
            self.show_changed()


def _wrong_name(name: str) -> str:
    from vpce_tui.incident.journal import NAME  # noqa: PLC0415

    return "" if NAME.fullmatch(name) else "use letters, digits, dot and dash, at most 63"
