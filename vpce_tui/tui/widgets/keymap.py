"""Every key, once: what it does on every screen, and which key it is until the team says otherwise.

Bindings, the last line of a screen and the help are made from :data:`KEYS`. The team's file (:mod:`vpce_tui.tui.key_file`) gives
other keys by the names here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key as the last line shows it. ``changes``: it leads to something that changes AWS."""

    key: str
    label: str
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """``keys`` in Textual's names, joined by commas; ``label`` for the last line of a screen; ``does`` for the help, where it says
    more; ``shown`` where the key has a glyph."""

    keys: str
    label: str
    does: str = ""
    shown: str = ""


KEYS: Final[Mapping[str, Key]] = {
    "events": Key("1", "events", "the events"),
    "instances": Key("2", "instances", "the instances"),
    "incident": Key("3", "incident", "the record of the open incident"),
    "open": Key(keys="enter", label="open", does="open the selected line", shown="↵"),
    "back": Key(keys="escape", label="back", does="back; stops a search; clears a filter", shown="esc"),
    "down": Key("j,down", "down"),
    "up": Key("k,up", "up"),
    "top": Key("g,home", "top"),
    "bottom": Key("G,end", "bottom"),
    "page-down": Key("pagedown,ctrl+f", "page down", shown="PgDn"),
    "page-up": Key("pageup,ctrl+b", "page up", shown="PgUp"),
    "next-view": Key("tab", "next view", "next view: of the event, of the step, or the next relation"),
    "previous-view": Key("shift+tab", "previous view", shown="⇧tab"),
    "filter": Key(keys="slash", label="filter", does="filter the list by words; the key for back clears it", shown="/"),
    "refresh": Key(keys="f5", label="refresh", does="refresh: search again, or plan the step again", shown="F5"),
    "copy": Key("y", "copy", "copy the id, or what is shown"),
    "help": Key(keys="question_mark", label="help", does="this help", shown="?"),
    "coverage": Key(
        keys="exclamation_mark",
        label="coverage",
        does="coverage: what was searched, and what was not and why",
        shown="!",
    ),
    "messages": Key("m", "messages", "the last messages, with their times"),
    "palette": Key("colon,ctrl+p", "command palette", shown=":"),
    "quit": Key("q", "quit", "quit vpce-tui (also Ctrl+C)"),
    "playbooks": Key("p", "playbooks", "playbooks for the selected resource"),
    "related-events": Key(
        "e", "related events", "events with the same access key, principal, address, instance, VPC or endpoint"
    ),
    "instance": Key("i", "instance", "the instance whose role session made the call"),
    "traffic": Key("f", "traffic", "traffic in its flow logs (billed; the cost is shown first)"),
    "check-policy": Key(
        "l", "check policy", "check its policy with IAM Access Analyzer (billed; the cost is shown first)"
    ),
    "suppress": Key(
        "x", "suppress", "suppress the event, with a reason and an end date; again: remove the suppression"
    ),
    "all-events": Key("t", "all events", "show all event names, or CreateVpcEndpoint only"),
    "ask-history": Key("M", "more from history", "search event history for more events of this relation"),
    "longer": Key(keys="plus,equals_sign", label="longer", does="a longer time", shown="+"),
    "shorter": Key(keys="minus", label="shorter", does="a shorter time", shown="-"),
    "open-incident": Key("o", "open an incident", "open an incident, or resume one by its name"),
    "resume": Key("w", "resume playbook", "resume the playbook that needs attention, else the one begun last"),
    "close-incident": Key("C", "close", "close the incident: it becomes read-only"),
    "note": Key("n", "note", "record a note"),
    "run": Key("r", "run", "run the step"),
    "undo": Key("u", "undo", "undo the step; the inverse calls are shown first"),
    "skip": Key("s", "skip", "skip the step, with a reason"),
    "manual": Key("h", "done manually", "record that the step was done manually, or is accepted as it is"),
    "prompts": Key("c", "prompts", "answer the prompts of the step"),
    "affected": Key("b", "affected", "who else is affected by the step"),
    "evidence": Key("v", "evidence", "the evidence that the step collected"),
    "resolve": Key("d", "resolve outcome", "record the outcome of a call whose result is unknown"),
    "right": Key("right", "next step", "next step, or next column", shown="→"),
    "left": Key("left", "previous step", "previous step, or previous column", shown="←"),
    "sort": Key("S", "sort", "sort by the column; again: reverse order"),
    "tick": Key("space", "tick", "tick the row, or fold what is below it", shown="space"),
    "tick-all": Key("a", "tick all", "tick every row that is shown; again: none"),
}


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in effect: ours, but for those that the team's file gives."""

    own: Mapping[str, str] = field(default_factory=dict)

    def keys(self, name: str) -> str:
        """The keys of ``name`` in Textual's names."""
        return self.own.get(name, KEYS[name].keys)

    def shown(self, name: str) -> str:
        """The key as a screen writes it."""
        if name not in self.own and KEYS[name].shown:
            return KEYS[name].shown
        first = self.keys(name).split(",")[0]
        return _GLYPHS.get(first, first.replace("ctrl+", "^"))

    def hint(self, name: str, label: str = "", *, changes: bool = False) -> KeyHint:
        """The key for the last line of a screen; ``label`` where it says more than what it always does."""
        return KeyHint(self.shown(name), label or KEYS[name].label, changes)

    def pair(self, first: str, second: str, label: str) -> KeyHint:
        """Two keys that go together, for the last line of a screen."""
        return KeyHint(f"{self.shown(first)} {self.shown(second)}", label)

    def help(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """(key, what it does) of those names, in the order of :data:`KEYS`."""
        wanted = set(names)
        return [(self.shown(name), key.does or key.label) for name, key in KEYS.items() if name in wanted]


_GLYPHS: Final = {"slash": "/", "question_mark": "?", "exclamation_mark": "!", "colon": ":", "plus": "+", "minus": "-"}


def binding(name: str, action: str, *, priority: bool = False) -> Binding:
    """The binding of ``name`` to an action of a screen; it can be given another key."""
    return Binding(KEYS[name].keys, action, show=False, priority=priority, id=name)
