"""The options of each command, for argparse."""

import argparse
from typing import Final

_TARGET: Final = "an instance (i-…), endpoint (vpce-…), user/NAME, role/NAME or event id to open at"


def _app_options(into: argparse.ArgumentParser) -> None:
    log_files_options(into)
    regions_options(into)
    lookback_options(into)
    into.add_argument("--incident", metavar="NAME", help="open this incident, or create it")
    into.add_argument("--theme", choices=("dark", "light"), help="colours (default: dark, or VPCE_TUI_THEME)")


def app_options(made: argparse.ArgumentParser) -> None:
    _app_options(made)
    made.add_argument("target", nargs="?", metavar="ID", help=_TARGET)


def log_files_options(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--log-files", metavar="PATH", help="a CloudTrail log file, or a folder of them, instead of event history"
    )
    into.add_argument(
        "--since", metavar="TIME", help="24h, 7d, or RFC 3339 (default: 24h; with --log-files: everything)"
    )


def regions_options(into: argparse.ArgumentParser) -> None:
    into.add_argument("--region", action="append", metavar="REGION", help="only this region (repeatable)")


def lookback_options(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--lookback", metavar="TIME", default="30d", help="how far back to look for baseline activity (default: 30d)"
    )


def json_options(into: argparse.ArgumentParser) -> None:
    into.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def incident_options(into: argparse.ArgumentParser) -> None:
    into.add_argument("--incident", required=True, metavar="NAME", help="the incident")


def events_options(made: argparse.ArgumentParser) -> None:
    json_options(made)
    log_files_options(made)
    made.add_argument("--until", metavar="TIME", help="as --since (default: now)")
    regions_options(made)
    lookback_options(made)
    made.add_argument(
        "--event-name", action="append", metavar="NAME", help="this event name, or '*' (default: CreateVpcEndpoint)"
    )


def instances_options(made: argparse.ArgumentParser) -> None:
    json_options(made)
    regions_options(made)
    lookback_options(made)


def rules_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("list", "show"))
    made.add_argument("names", nargs="*", metavar="ID", help="for example VPCE-08")
    json_options(made)


def context_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("show", "learn"), help="learn: propose it from event history; you save it")
    made.add_argument(
        "--since",
        metavar="TIME",
        default="30d",
        help="how far back to learn from (default: 30d); never the last 2 days",
    )
    regions_options(made)
    made.add_argument("--out", metavar="FILE", help="write the proposal to this file instead of stdout")


def playbooks_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("list", "show", "check", "export"))
    made.add_argument("names", nargs="*", metavar="NAME", help="a playbook; for check: files, or folders of them")
    made.add_argument("--format", choices=("md", "cacao"), default="md", help="format of the export (default: md)")
    made.add_argument("--plan", metavar="FILE", help="a plan: its AWS CLI commands are put into a CACAO export")
    made.add_argument("--out", metavar="FILE", help="write the export to this file instead of stdout")


def iam_policy_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("--playbook", required=True, metavar="NAME", help="for example contain-endpoint")


def plan_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("playbook", metavar="PLAYBOOK", help="for example terminate-instance")
    made.add_argument("target", metavar="TARGET", help="for example i-0abc…")
    made.add_argument("--region", metavar="REGION", help="the target's region (default: every region is searched)")
    made.add_argument(
        "--format",
        choices=("text", "markdown", "console", "cli", "python", "json"),
        help="default: text; with --out: json",
    )
    made.add_argument("--out", metavar="FILE", help="write the plan to this file instead of stdout")
    made.add_argument(
        "--incident", metavar="NAME", help="plan within this incident: its earlier changes are taken into account"
    )
    made.add_argument(
        "--set", action="append", metavar="STEP.OPTION=VALUE", help="answer a prompt, for example isolate.moves=one"
    )


def running_options(made: argparse.ArgumentParser, approval: str, confirm: str) -> None:
    made.add_argument(
        "--incident", required=True, metavar="NAME", help="the incident in which the changes are recorded"
    )
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    made.add_argument(
        "--wait", type=float, metavar="SECONDS", help="how long to wait for each verification (default: ten minutes)"
    )
    made.add_argument("--confirm", action="append", metavar="ID", help=confirm)
    made.add_argument("--approval", action="append", metavar="FILE", help=approval)


def apply_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", metavar="FILE", help="a plan in JSON format (- for standard input)")
    running_options(
        made,
        "an approval of this plan (vpce-tui approve), where your team requires two people",
        "the target's id, to confirm steps that cannot be undone",
    )
    made.add_argument("--step", action="append", metavar="ID", help="only this step (repeatable)")
    made.add_argument("--reason", metavar="TEXT", help="why the incident is opened")
    made.add_argument(
        "--secret-to", choices=("keyring",), help="where a secret that AWS returns is stored: this host's keyring"
    )


def undo_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", nargs="?", metavar="STEP", help="the step")
    running_options(
        made,
        "an approval, where the undo permanently deletes something",
        "the target's id, where the undo permanently deletes something",
    )
    made.add_argument("--all", action="store_true", help="every reversible step that was applied, last first")


def resolve_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("call_id", metavar="CALL", help="the call")
    made.add_argument("found", choices=("done", "not-done"), help="what you found")
    incident_options(made)


def note_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("text", metavar="TEXT", help="what others should know")
    incident_options(made)
    group = made.add_mutually_exclusive_group()
    group.add_argument("--manual", action="store_true", help="mark the step as done manually, or accepted")
    group.add_argument("--skipped", action="store_true", help="mark the step as skipped")


def approve_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", nargs="?", metavar="FILE", help="the plan, in JSON format")
    made.add_argument("--incident", metavar="NAME", help="your own incident, in which the approval is recorded too")
    made.add_argument(
        "--out", metavar="FILE", help="write the approval to this file (default: the plan's name with .approval)"
    )
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    made.add_argument(
        "--hours", type=float, metavar="N", help="how long it is valid (default: your team's approval_hours, 12)"
    )
    made.add_argument("--key", action="store_true", help="print your public key, for the team's config.toml")


def evidence_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("what", nargs="?", metavar="EVIDENCE", help="its name or SHA-256, for example user-data")
    made.add_argument("--raw", action="store_true", help="the file's bytes as they are, secrets included")


def verify_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--expect-head", metavar="HASH", help="the head hash that was stored elsewhere")


def timeline_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    blocks_options(made)


def blocks_options(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="output format (default: text)"
    )


def open_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident's name")
    made.add_argument("--reason", metavar="TEXT", help="why it is opened")


def close_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def incidents_options(_: argparse.ArgumentParser) -> None:
    """No arguments."""


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def lab_options(made: argparse.ArgumentParser) -> None:
    app_options(made)
    made.add_argument("--serve", action="store_true", help="run only the server, and print what to export")
    made.add_argument("--port", type=_port, default=0, help="the server's port (default: a free one)")
    made.add_argument("--seed", type=int, default=7, help="seed of every id in the lab (default: 7)")
    made.add_argument(
        "--scenario", metavar="NAME", default="stolen-role", help="what happens (--scenario list: all of them)"
    )
    made.add_argument(
        "--fault",
        action="append",
        metavar="KIND@OPERATION:COUNT",
        help="throttle, http500, reset, slow, expired-token, denied, lost-answer, empty-answer",
    )


def completion_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("shell", choices=("bash", "zsh", "fish"))
