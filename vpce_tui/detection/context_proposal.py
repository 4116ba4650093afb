"""A context proposed from history: what is usual here, with what was seen as evidence. Pure; nothing is trusted by it.

It only ever proposes: a person reads it, strikes out what is wrong, and saves it. What the last days hold is left out, as an
intruder may be among them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vpce_tui.aws.endpoint_services import AWS_SERVICE
from vpce_tui.cloudtrail.callers import called_by_aws_service
from vpce_tui.cloudtrail.event import Event
from vpce_tui.core.arn import parse_arn
from vpce_tui.core.ip_addresses import address_of, internal
from vpce_tui.core.text import many, visible
from vpce_tui.core.toml_text import toml
from vpce_tui.detection.team_context import DAYS

_TOOLS: Final = (
    "Terraform",
    "CloudFormation",
    "Pulumi",
    "OpenTofu",
    "aws-cdk",
    "Ansible",
    "Crossplane",
    "CodePipeline",
)
_WEB: Final = re.compile(r"Mozilla/|console\.amazonaws\.com|S3Console|signin\.amazonaws\.com")
PIPELINE: Final = 3
"""Endpoints that somebody has made on different days before they count as a pipeline."""
PEOPLE_CALLS: Final = 30
"""Calls by people before their hours are believed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One setting: its TOML text, what was seen for it, and what to think of before it is kept."""

    toml: str
    evidence: tuple[str, ...]
    table: bool = False


def propose(
    events: Sequence[Event],
    account: str,
    organizations: Iterable[str],
    tags: Iterable[Mapping[str, str]],
    confirmed: Iterable[str] = (),
) -> tuple[Proposal, ...]:
    """What these events, and the tags of VPCs, say about the team.

    ``events``: without the newest days. ``confirmed``: accounts that AWS Organizations lists beside this one.
    """
    found: list[Proposal] = []
    named = sorted(organizations)
    if named:
        found.append(
            Proposal(_setting("organizations", named), (f"AWS Organizations says that account {account} is in it",))
        )
    found += _accounts(events, account, frozenset(confirmed))
    found += _restricted(tags)
    found += _services(events)
    found += _networks(events)
    found += _hours(events)
    found += _pipelines(events)
    return tuple(sorted(found, key=lambda item: item.table))


def _setting(name: str, values: Sequence[str]) -> str:
    return f"{name} = [{', '.join(toml(value) for value in values)}]"


def _days(events: Iterable[Event]) -> int:
    return len({event.time.date() for event in events})


def _accounts(events: Sequence[Event], account: str, confirmed: frozenset[str]) -> list[Proposal]:
    """Other accounts whose principals work here day after day: own ones where Organizations lists them, else only a comment.

    A vendor's tool works like that, too, and an intruder who has been here for long: own accounts are trusted with everything.
    """
    by_account: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        whose = event.principal.account
        if (
            re.fullmatch(r"[0-9]{12}", whose)
            and whose != account
            and not event.error_code
            and not called_by_aws_service(event)
        ):
            by_account[whose].append(event)
    chosen = sorted(whose for whose, done in by_account.items() if _days(done) >= PIPELINE)
    if not chosen:
        return []
    seen = tuple(
        f"{whose}: {many(len(by_account[whose]), 'call')} on {many(_days(by_account[whose]), 'day')} by "
        f"{', '.join(sorted({event.principal.name for event in by_account[whose]})[:3])}; ask whose it is before you keep it"
        for whose in chosen
    )
    own = [whose for whose in chosen if whose in confirmed]
    others = [whose for whose in chosen if whose not in confirmed]
    found = [Proposal(_setting("own_accounts", own), tuple(said for said in seen if said[:12] in own))] if own else []
    if others:
        text = f"# {_setting('own_accounts', others)}  # only where you know that they are yours"
        found.append(Proposal(text, tuple(said for said in seen if said[:12] in others)))
    return found


def _restricted(tags: Iterable[Mapping[str, str]]) -> list[Proposal]:
    counted = Counter(
        f"{key}={value}"
        for held in tags
        for key, value in held.items()
        if re.search(r"env|stage|class|tier|confidential", key, re.IGNORECASE)
    )
    chosen = sorted(tag for tag in counted if re.search(r"prod|restrict|confid|secret|pci|phi", tag, re.IGNORECASE))
    if not chosen:
        return []
    seen = tuple(f"{visible(tag, limit=80)}: {many(counted[tag], 'VPC')}" for tag in chosen)
    return [Proposal(_setting("sensitive_tags", [tag.lower() for tag in chosen]), seen)]


def _services(events: Sequence[Event]) -> list[Proposal]:
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        name = event.request.service if event.request else ""
        if name and not event.error_code and not AWS_SERVICE.fullmatch(name):
            by_name[name].append(event)
    chosen = sorted(name for name, made in by_name.items() if _days(made) >= 2)
    if not chosen:
        return []
    seen = tuple(
        f"{name}: {many(len(by_name[name]), 'endpoint')} by {', '.join(sorted({event.principal.name for event in by_name[name]})[:3])}; "
        "ask whose it is before you keep it"
        for name in chosen
    )
    return [Proposal(_setting("trusted_services", chosen), seen)]


def _person(event: Event) -> bool:
    """Somebody at a browser, or signed in by a name: not a workload, a service or a pipeline."""
    principal = event.principal
    return (
        bool(_WEB.search(event.user_agent) or event.session_credential_from_console)
        and principal.type in ("IAMUser", "AssumedRole")
        and not principal.instance_id
    )


def _networks(events: Sequence[Event]) -> list[Proposal]:
    by_address: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if (
            address_of(event.source_ip) is not None
            and not internal(event.source_ip)
            and (_person(event) or event.request is not None)
        ):
            by_address[event.source_ip].append(event)
    chosen = sorted(address for address, used in by_address.items() if _days(used) >= 3)
    if not chosen:
        return []
    seen = tuple(
        f"{address}: {many(len(by_address[address]), 'call')} on {many(_days(by_address[address]), 'day')} by "
        f"{', '.join(sorted({event.principal.name.split('/')[0] for event in by_address[address]})[:4])}"
        for address in chosen
    )
    return [Proposal(_setting("networks", chosen), seen)]


def _hours(events: Sequence[Event]) -> list[Proposal]:
    times = [event.time for event in events if _person(event) and event.read_only is not True]
    if len(times) < PEOPLE_CALLS:
        return []
    hours = sorted(moment.hour for moment in times)
    cut = max(1, len(hours) // 40)
    begin, end = hours[cut - 1], min(hours[-cut] + 1, 23)
    weekdays = sorted({moment.weekday() for moment in times})
    days = "mon-fri" if weekdays[-1] <= 4 else f"{DAYS[weekdays[0]]}-{DAYS[weekdays[-1]]}"
    text = f'[working_hours]\ndays = "{days}"\nfrom = "{begin:02}:00"\nto = "{end:02}:00"\nzone = "UTC"'
    return [
        Proposal(
            text,
            (f"{many(len(times), 'change')} by people at a console, nearly all between these hours (UTC)",),
            table=True,
        )
    ]


def _pipelines(events: Sequence[Event]) -> list[Proposal]:
    made: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        tool = next((tool for tool in _TOOLS if tool.lower() in event.user_agent.lower()), "")
        if event.request is not None and not event.error_code and tool and event.principal.role_arn:
            made[event.principal.role_arn, tool].append(event)
    found = []
    for (role, tool), done in sorted(made.items()):
        if _days(done) < PIPELINE:
            continue
        arn = parse_arn(role)
        if arn is None:
            continue
        pattern = f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/*"
        text = f"[[pipelines]]\nprincipal = {toml(pattern)}\nuser_agent = {toml(f'*{tool}*')}"
        addresses = sorted({event.source_ip for event in done})
        seen = (f"{many(len(done), 'endpoint')} on {many(_days(done), 'day')} from {', '.join(addresses[:4])}",)
        found.append(Proposal(text, seen, table=True))
    return found


def as_toml(proposals: Sequence[Proposal], account: str, since: datetime, until: datetime, looked: str) -> str:
    """The proposals as a ``context.toml``, each under the evidence for it."""
    lines = [
        f"# Proposed by vpce-tui context learn from events of account {account}, {since:%Y-%m-%d} to {until:%Y-%m-%d}.",
        f"# Searched: {looked}.",
        "# Review it, delete what is wrong, and save it as context.toml: until then it has no effect.",
    ]
    if not proposals:
        lines += [
            "#",
            "# Too little was found to propose anything. What is not in here is unknown, and never treated as trusted.",
        ]
    for proposal in proposals:
        lines += ["", *(f"# seen: {visible(said, limit=300)}" for said in proposal.evidence), proposal.toml]
    return "\n".join(lines) + "\n"
