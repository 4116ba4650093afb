"""Hiding secrets takes time in proportion to the text, whoever wrote it.

Each text is one on which an expression that backtracks would run for hours; a process that may use a minute of processor
time does all of them.
"""

import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpce_tui.incident import redaction

PIECES = (
    "token",
    "secret-",
    "password_",
    "access-key-",
    "credential:",
    "api_key ",
    "password =",
    "secret is ",
    "a.",
    "eyJ-",
    "eyJaaaaaaaaaaaa-",
    "eyJaaaaaaaaaaaa.",
    "x://y:",
    "ab://",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "bearer ",
    "bearer\t",
    "IQoJ/",
    "AKIA",
    "ghp_",
    "xoxb-",
    "aB3/",
    "aoa-",
    "aoa",
    "aoa_a:",
    "hooks.slack.com/services/",
    "Private-Lines: 1 ",
    "name: password value: ",
    "<password>",
    "<a",
    "--password ",
    "mysql -p",
    "mysql -u ",
    "curl -u ",
    "net user a ",
    "sshpass -p",
    "root:x | ",
    "$6$",
    "?sig=",
    "postgres://a:",
    "token was ",
    "%2F",
    "\\\\/",
    "sk-proj-",
    "AGE-SECRET-KEY-1",
    "name=secret,",
    "authorization: basic ",
    " ",
    "\n",
    "e\u0301\u0301\u0301\u0301",
    "\x1b[",
    '="',
    "\u202e",
)
PROGRAM = """
import sys
from vpce_tui.incident import redaction
from vpce_tui.core.text import visible
for piece in {pieces}:
    text = (piece * (200_000 // len(piece)))
    redaction.text(text)
    visible(text, limit=10_000_000, multiline=True)
print("all of them")
"""


SHAPES = {
    "quoted words": ("password='correct horse battery staple'", "battery"),
    "a comma": ("PGPASSWORD=a,very-secret-tail-99", "very-secret-tail"),
    "an option": ("mysql --password hunter2hunter2 -h db", "hunter2hunter2"),
    "mysql": ("mysql -uroot -phunter2hunter2", "hunter2hunter2"),
    "sshpass": ("sshpass -p 'Sup3rS3cret!' ssh x", "Sup3rS3cret"),
    "curl": ("curl -u admin:Sup3rS3cret! https://x", "Sup3rS3cret"),
    "chpasswd": ("echo 'root:Sup3rS3cret!' | chpasswd", "Sup3rS3cret"),
    "an Azure key": ("AccountName=x;AccountKey=" + "Ab1+" * 21 + "Ab==;", "Ab1+Ab1"),
    "a presigned address": ("https://b/k?X-Amz-Signature=" + "0a1b2c3d" * 8, "0a1b2c3d0a"),
    "an encoded session token": ("Token=FwoGZXIvYXdzEBY%2FaDG%2Babcdefghijklmnop", "ZXIvYXdz"),
    "Stripe": ("stripe sk_live_51H8abcdefghijklmnop", "51H8abc"),
    "Google": ("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "SyD-9tSrke"),
    "GitLab": ("glpat-xxxxABCDefgh12345678", "ABCDefgh1234"),
    "npm": ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "ghijklmnop"),
    "Slack's hook": ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "XXXXXX"),
    "an encoded secret key": ("k wJalrXUtnFEMI%2FK7MDENG%2FbPxRfiCYEXAMPLEKEY", "wJalrXUtn"),
    "an escaped secret key": ("wJalrXUtnFEMI\\/K7MDENG\\/bPxRfiCYEXAMPLEKEY", "wJalrXUtn"),
    "a secret key after a sign": ("x+wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtn"),
    "an address with odd letters": ("postgres://user:p/w@rd@host/db", "p/w@rd"),
    "XML": ("<Password>Sup3rS3cret!</Password>", "Sup3rS3cret"),
    "XML's attributes": ('<add key="DbPassword" value="Sup3rS3cret!"/>', "Sup3rS3cret"),
    "a named value": ('{"name":"DB_PASSWORD","value":"Sup3rS3cret!"}', "Sup3rS3cret"),
    "a named value in YAML": ("- name: DB_PASSWORD\n  value: Sup3rS3cret!", "Sup3rS3cret"),
    "PowerShell": ('ConvertTo-SecureString "Sup3rS3cret!" -AsPlainText', "Sup3rS3cret"),
    "PGP": ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "lQOYBF"),
    "PuTTY": ("Private-Lines: 2\nAAAAgQDabcdef\nPrivate-MAC", "AAAAgQD"),
    "age": ("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQ", "1QQQQQQ"),
    "a hash of a password": ("root:$6$abc$hashhashhash", "hashhashhash"),
    "a sentence": ("the password is: Sup3rS3cret", "Sup3rS3cret"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_secrets_of_common_shapes_are_hidden(shape: str) -> None:
    text, secret = SHAPES[shape]
    assert secret in text
    assert secret not in redaction.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::123456789012:role/Abcdefghijklmnopqrstuvwxyz0123456789ABCD",
        "sha1 Da39A3ee5e6b4b0d3255bfef95601890afd80709",
        "A new key, whose secret is shown once or goes into this host's keyring.",
        "password: required, policy MinimumPasswordLength=14",
        "Credential should be scoped to a valid region",
    ],
)
def test_what_is_no_secret_is_left(text: str) -> None:
    assert redaction.text(text) == text


def test_nothing_that_our_plans_say_looks_like_a_secret() -> None:
    """A plan is recorded whole, and approved by its hash: a word of it that was hidden would make it another plan."""
    from importlib.resources import files

    for item in files("vpce_tui.playbooks").iterdir():
        if item.name.endswith(".toml"):
            text = item.read_text(encoding="utf-8")
            assert redaction.text(text) == text, item.name


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


@given(
    st.lists(
        st.sampled_from([*PIECES, *(text for text, _ in SHAPES.values()), "x", "Sup3rS3cret!", redaction.HIDDEN]),
        max_size=8,
    ).map("".join)
)
def test_our_mark_is_not_taken_for_a_secret(text: str) -> None:
    """What was hidden before is hidden again with other marks around it, and never in pieces."""
    twice = redaction.text(redaction.text(text))
    assert twice.count("⟨secret") == twice.count(redaction.HIDDEN) == twice.count("not recorded⟩")
