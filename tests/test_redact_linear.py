"""Hiding secrets takes time in proportion to the text, whoever wrote it.

Each text is one on which an expression that backtracks would run for hours; a process that may use a minute of processor
time does all of them.
"""

import resource
import subprocess
import sys

import pytest

from vpce_tui.incident import redaction

PIECES = (
    "token", "secret-", "password_", "access-key-", "credential:", "api_key ", "password =", "secret is ", "a.", "eyJ-", "eyJaaaaaaaaaaaa-",
    "eyJaaaaaaaaaaaa.", "x://y:", "ab://", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "bearer ", "bearer\t", "IQoJ/", "AKIA", "ghp_",
    "xoxb-", "aB3/", " ", "\n", "e\u0301\u0301\u0301\u0301", "\x1b[", '="', "\u202e",
)  # fmt: skip
PROGRAM = """
import sys
from vpce_tui.incident import redaction
from vpce_tui.core.text import visible
for piece in {pieces}:
    text = (piece * (500_000 // len(piece)))
    redaction.text(text)
    visible(text, limit=10_000_000, multiline=True)
print("all of them")
"""


def test_no_text_makes_redaction_or_showing_slow() -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    program = PROGRAM.format(pieces=repr(PIECES))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert done.stdout == "all of them\n", (done.returncode, done.stderr[-500:])


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    "around",
    ["{}", "a-{}", "x.y.{}", "token {} end", "aaaaaaaaaaaaaaa.bbbbbbbbbbbbbbb.{}", "{0}.{0}", "https://h/?t={}"],
)
def test_web_tokens_are_hidden_wherever_they_are(around: str) -> None:
    shown = redaction.text(around.format(JWT))
    assert "eyJzdWIi" not in shown
    assert "dozjgNryP4J3jVmNHl0w5N" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:hunter2hunter@db/x",
        "-https://u:hunter2hunter@h",
        "HTTPS://u:hunter2hunter@h",
        "x_y://u:hunter2hunter@h",
    ],
)
def test_passwords_in_addresses_are_hidden_whatever_stands_before_them(text: str) -> None:
    assert "hunter2hunter" not in redaction.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "password:\n" + " " * 200 + "hunter2hunter",
        "password" + " " * 200 + "= hunter2hunter",
        "secret_" + "a" * 120 + "=hunter2hunter",
        "Authorization: Bearer" + " " * 200 + "hunter2hunter",
        "x://" + "u" * 300 + ":hunter2hunter@h",
        "x://u:" + "p" * 1100 + "hunter2hunter@h",
        "redis://:hunter2hunter@h",
        '{\\"password\\": \\"hunter2hunter\\"}',
        "password => hunter2hunter",
        "password := hunter2hunter",
    ],
)
def test_secrets_are_hidden_whatever_stands_between_their_name_and_them(text: str) -> None:
    assert "hunter2hunter" not in redaction.text(text)
