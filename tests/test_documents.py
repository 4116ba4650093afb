"""The READMEs: what is generated in them is up to date, and their links lead somewhere. ``UPDATE_README=1`` writes it anew."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from vpce_tui.cli.arguments import COMMANDS
from vpce_tui.core.exit_codes import MEANING, Exit
from vpce_tui.detection import rule_catalogue
from vpce_tui.detection.rule import Rule
from vpce_tui.playbooks.export import summary
from vpce_tui.playbooks.library import load, names
from vpce_tui.tui.widgets.keymap import KEYS, Keymap

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    path.relative_to(ROOT)
    for top in ("vpce_tui", "tests", "screenshots")
    for path in sorted((ROOT / top).rglob("*.md"))
    if "faults" not in path.parts
]


def generated(document: str, name: str, wanted: str) -> None:
    """Compare, or with ``UPDATE_README`` write, the part of a document between the markers called ``name``."""
    path, begin, end = ROOT / document, f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    said, ended, after = rest.partition(end)
    assert found
    assert ended
    if os.environ.get("UPDATE_README"):
        path.write_text(f"{before}{begin}{wanted}{end}{after}", encoding="utf-8")
        return
    assert said == wanted, f"UPDATE_README=1 pytest {Path(__file__).name} writes it anew"


def table(*rows: tuple[str, ...]) -> str:
    head, *body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([head, "| " + " | ".join("---" for _ in rows[0]) + " |", *body]) + "\n"


def test_every_command_is_listed() -> None:
    rows = [(f"`{command.name}`", command.summary) for command in COMMANDS]
    generated("vpce_tui/cli/README.md", "commands", table(("command", "what it does"), *rows))


def test_every_key_is_listed_with_its_name() -> None:
    own = Keymap()
    rows = [(f"`{name}`", own.shown(name), key.does or key.label) for name, key in KEYS.items()]
    generated("vpce_tui/cli/README.md", "keys", table(("name", "key", "what it does"), *rows))


def test_every_exit_code_is_listed() -> None:
    rows = [(str(code.value), MEANING[code]) for code in Exit]
    generated("vpce_tui/cli/README.md", "exit codes", table(("exit code", "meaning"), *rows))


def test_every_playbook_is_described() -> None:
    generated("vpce_tui/playbooks/README.md", "playbooks", "\n".join(summary(load(name)) for name in names()))


def test_every_rule_is_described() -> None:
    generated("vpce_tui/detection/README.md", "rules", "\n".join(map(described, rule_catalogue.every())))


def described(rule: Rule[Any]) -> str:
    facts = dict(rule_catalogue.in_words(rule))
    first = "; ".join(f"{name}: {facts[name]}" for name in ("severity", "playbook", "ATT&CK") if name in facts)
    return (
        f"### {rule.id}: {rule.name}\n\nAbout {facts['about']}. {first[0].upper()}{first[1:]}.\n\n{rule.why}\n\n"
        f"*False positive if* {rule.false_positives}.\n"
    )


@pytest.mark.parametrize("document", [Path("README.md"), *DOCUMENTS], ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, part = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if "://" in link:
            continue
        titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if part else ()
        if not target.exists() or (part and part not in {anchor(title) for title in titles}):
            broken.append(link)
    assert broken == []


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_tables_of_faults_name_steps_that_there_are() -> None:
    steps = {step.id for name in names() for step in load(name).steps}
    gone = []
    for path in sorted((ROOT / "tests" / "faults").glob("*.md")):
        rows = re.findall(r"^\| (?!step /)([a-z-]+) / ", path.read_text(encoding="utf-8"), re.MULTILINE)
        gone += [f"{path.name}: {step}" for step in rows if step not in steps]
    assert gone == [], "EVERY_CASE=1 UPDATE_TABLES=1 pytest tests/test_playbooks.py writes them"


def test_no_file_is_longer_than_one_idea_takes() -> None:
    root = Path(__file__).parent.parent
    long = {
        str(path.relative_to(root)): count
        for folder in ("vpce_tui", "tests")
        for path in (root / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
