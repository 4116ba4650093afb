"""Keys: one meaning each, on every screen; the team may give others."""

import importlib
import os
import pkgutil
from collections import Counter
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Input

import vpce_tui.tui
from tests.app import app_on, looked, until, words
from tests.conftest import Aws
from vpce_tui.tui.key_file import KeysError, read
from vpce_tui.tui.screens.event_list import EventsScreen
from vpce_tui.tui.screens.related_events import RelatedEventsScreen
from vpce_tui.tui.widgets.dialogs import Ask, Read
from vpce_tui.tui.widgets.keymap import KEYS, Keymap

OWN = {"AskScreen", "Ask", "Read", "RevealSecretDialog", "VpceTui"}
"""Dialogs, which take every key while they are open, and the app, which ends at Ctrl+C whatever its keys are."""


def bindings() -> list[tuple[str, Binding]]:
    found = []
    for module in pkgutil.walk_packages(vpce_tui.tui.__path__, "vpce_tui.tui."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, DOMNode) and thing.__module__ == module.name:
                found += [
                    (thing.__name__, item) for item in vars(thing).get("BINDINGS", ()) if isinstance(item, Binding)
                ]
    return found


def test_a_key_means_one_thing() -> None:
    keys = Counter(key for item in KEYS.values() for key in item.keys.split(","))
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_key_of_every_screen_is_in_the_table_and_every_one_in_the_table_is_used() -> None:
    found = bindings()
    assert [(name, item.key) for name, item in found if name not in OWN and item.id not in KEYS] == []
    assert [item.id for _, item in found if item.id and item.key != KEYS[item.id].keys] == []
    assert set(KEYS) - {item.id for _, item in found} == set()


async def test_the_team_gives_other_keys_and_the_screens_show_them(aws: Aws, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('related-events = "ctrl+e"\n')
    app = app_on(aws)
    app.keymap = read(path)
    async with app.run_test(size=(160, 30)) as pilot:
        await until(pilot, looked(app))
        assert "^e related events" in words(app)
        await pilot.press("e")
        assert isinstance(app.screen, EventsScreen)
        await pilot.press("question_mark")
        assert "^e" in words(app)
        await pilot.press("escape", "ctrl+e")
        assert isinstance(app.screen, RelatedEventsScreen)


async def test_messages_are_kept_behind_a_key(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        for number in range(120):
            app.say(f"message {number}")
        await pilot.press("m")
        said = words(app)
        assert "message 119" in said
        assert "message 20\n" in said
        assert "message 19\n" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('relatd-events = "e"', "line 1, column 1: .*did you mean 'related-events'"),
        ('copy = "e"', "'e' is the key of related-events and of copy"),
        ("copy = 3", "line 1, column 1: .*text"),
        ('\n\ncopy = "?!"', "line 3, column 1: copy: '\\?!' is not a key"),
        ('run = "1"\ncopy = "1"\nnote = 3', "line 3, column 1"),
        ('run = "?"', "is not a key that can be given"),
        ('copy = "ctrl+c"', "is not a key that can be given"),
        ('copy = "ctrl+m"', "is not a key that can be given"),
        ('copy = ","', "is not a key that can be given"),
        ('copy = "[red]"', "is not a key that can be given"),
        ('copy = "question_mark"', "is the key of help and of copy"),
        ("x = " + "[" * 5000, "nested too deep"),
        ('copy = "y', "cannot be used"),
    ],
)
def test_a_file_that_is_wrong_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    with pytest.raises(KeysError, match=said):
        read(path)


def test_without_a_file_the_keys_are_ours(tmp_path: Path) -> None:
    assert read(tmp_path / "keys.toml") == Keymap()


def test_a_file_that_others_could_change_gives_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('copy = "f2"\n')
    path.chmod(0o666)
    with pytest.raises(KeysError, match="can be written by"):
        read(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(KeysError, match="regular file"):
        read(path)


async def test_dialogs_name_the_keys_that_are_bound(aws: Aws) -> None:
    app = app_on(aws)
    app.keymap = Keymap({"back": "f10", "top": "f11", "bottom": "f12"})
    app.set_keymap({"back": "f10", "top": "f11", "bottom": "f12"})
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("?")
        assert "Back (f10)   Scroll (j k f11 f12)" in words(app)
        await pilot.press("f10")
        assert not isinstance(app.screen, Read)


async def test_with_an_incident_open_the_key_that_opens_one_says_what_to_do(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VPCE_TUI_STATE", str(aws.incident().parent.parent))
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        await pilot.press("3", "o")
        assert app.messages[-1][1].startswith("case is open. Close it (C)")
        app.leave_incident()
        await until(pilot, lambda: bool(app.open_incidents), "what was left open")
        await pilot.press("o")
        assert isinstance(app.screen, Ask)
        assert app.screen.query_one("#answer", Input).value == "case", "resuming is one key away"
        await pilot.press("a", "space", "b", "enter")
        assert app.screen.query_one("#answer", Input).value == "a b", "what was typed is kept"
