"""What is said of one event: the verdict, the facts, AWS's guidance for endpoints, and its raw record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.content import Content

from vpce_tui.core.text import many, sign, visible
from vpce_tui.detection.signals import Severity
from vpce_tui.tui.screens.assessed_list import LOOK, severity_cell, why_text
from vpce_tui.tui.widgets.safe_text import hanging, line

if TYPE_CHECKING:
    from vpce_tui.detection.assessment import AssessedEvent, AssessedInstance
    from vpce_tui.iam.trust_zone import TrustZone
    from vpce_tui.investigation.workspace import Workspace
    from vpce_tui.tui.widgets.keymap import Keymap

BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
"""Before this an event has no time."""
RAW_LIMIT = 60_000
DONE_LINES: Final = 3

SECTIONS = (
    ("access", "who can reach it"),
    ("encryption", "encryption of its traffic"),
    ("network", "what it allows, and the network around it"),
)


def section_lines(item: AssessedEvent, width: int) -> list[Content]:
    """The three kinds of fault that AWS's guidance names for endpoints: good, bad because, or cannot tell because."""
    from vpce_tui.detection.endpoint import RULES  # noqa: PLC0415

    found = [line(("AWS's guidance for VPC endpoints", "bold"))]
    if item.endpoint_gone:
        return [*found, line("  the endpoint does not exist any more: nothing to assess"), line("")]
    for name, words in SECTIONS:
        rules = {rule.id for rule in RULES if rule.section == name}
        against = [signal for signal in item.assessment.against if signal.id in rules]
        bad = [signal.title for signal in against]
        doubts = list(dict.fromkeys(why for rule, why in item.assessment.unknown if rule in rules))
        fine = [what for rule, what in item.assessment.fine if rule in rules]
        if bad:
            little = max(signal.severity for signal in against) <= Severity.LOW
            mark, look, said = (
                "!",
                "" if little else "bold $warning",
                f"bad{' (low)' if little else ''}: {'; '.join(bad)}",
            )
        elif doubts:
            mark, look, said = sign("…"), "bold", f"inconclusive: {'; '.join(doubts)}"
        elif fine:
            mark, look, said = sign("✔"), "$success", f"good: {'; '.join(fine)}"
        else:
            mark, look, said = sign("–"), "", "not applicable"
        found += hanging(f"{mark} {words}: ", said, width, "", look)
    return [*found, line("")]


def why_lines(
    item: AssessedEvent, ago: str, width: int, trust_zone: TrustZone, advice: Sequence[tuple[str, str]]
) -> list[Content]:
    """Who did what, where, when, and why it is suspicious. ``advice``: see :func:`what_to_do`."""
    from vpce_tui.cloudtrail.sensitive_calls import impact_with_target, object_of  # noqa: PLC0415

    event, request, severity = item.event, item.request, item.assessment.severity
    at = event.time.strftime("%Y-%m-%d %H:%M:%S UTC") if event.time > BEGINNING else "no time in the record"
    first = [
        ("when", f"{at}  ({ago})"),
        ("event", f"{event.name}  {event.source}  {event.region}"),
        ("who", f"{event.principal.arn or event.principal.name}  ({event.principal.type or 'no type'})"),
        ("from", event.source_ip),
        (
            "made" if request.endpoint_id else "about",
            f"{request.endpoint_id}  {request.type}".strip() or object_of(event),
        ),
        ("outcome", f"{event.error_code}: {event.error_message}" if event.error_code else ""),
        *advice,
    ]
    facts = [
        ("id", event.id),
        ("key", event.principal.access_key_id),
        ("agent", event.user_agent),
        ("service", request.service or request.resource),
        ("vpc", request.vpc_id),
        ("groups", ", ".join(request.groups)),
        ("subnets", ", ".join(request.subnets)),
        ("routes", ", ".join(request.route_tables)),
        (
            "policy",
            request.policy or ("none in the request: full access by default" if event.request is not None else ""),
        ),
        ("warnings", "; ".join(event.parse_warnings)),
    ]
    verdict = (
        severity_cell(severity)
        if event.request is not None
        else "not assessed: only CreateVpcEndpoint events of EC2 are"
    )
    found = [line((verdict, LOOK[severity]))]
    if item.assessment.explained:
        found += hanging("   ", item.assessment.explained, width, "dim")
    impact = impact_with_target(event, trust_zone)
    if impact and not event.error_code:
        found += hanging(
            f"{sign(Severity.HIGH.sign)} what it means: ", impact, width, LOOK[Severity.HIGH], LOOK[Severity.HIGH]
        )
    for name, value in first:
        if value:
            found += hanging(f"{name:<9} ", visible(value, limit=1200), width)
    found.append(line(""))
    if event.request is not None:
        found += why_text(item.assessment, width, full=True)
        found.append(line(""))
    if event.request is not None and not event.error_code:
        found += section_lines(item, width)
    for name, value in facts:
        if value:
            found += hanging(f"{name:<9} ", visible(value, limit=1200), width)
    return found


def raw_lines(item: AssessedEvent, width: int, limit: int = RAW_LIMIT) -> list[Content]:
    """The raw record, indented, made safe; what is longer than a line continues under where it began."""
    text = json.dumps(item.event.record, indent=2, ensure_ascii=False)
    found = [line(("raw record", "bold"))]
    for part in visible(text, limit=limit, multiline=True).split("\n"):
        indent = part[: len(part) - len(part.lstrip())]
        found += hanging(indent, part.lstrip(), width)
    return found


def what_to_do(
    item: AssessedEvent, workspace: Workspace, keys: Keymap, *, done_lines: int = DONE_LINES
) -> list[tuple[str, str]]:
    """What was done about what an event is about, in at most ``done_lines`` playbooks, and what an operator would do where it is
    worth looking at."""
    from vpce_tui.tui.screens.event_targets import principal_target  # noqa: PLC0415

    made, instance = item.request.endpoint_id, item.event.principal.instance_id
    about = {made: f"the endpoint {made}"} if made and not item.endpoint_gone else {}
    about |= {instance: f"the instance {instance}"} if instance else {}
    own = workspace.identity.account if workspace.identity else ""
    principal = principal_target(item.event.principal, own)
    involved = dict.fromkeys(target for target in (made, instance, principal) if target)
    found = _done(involved, workspace, keys, done_lines)
    if item.assessment.severity < Severity.MEDIUM:
        return found
    left = [name for target, name in about.items() if not _contained(target, workspace)]
    credentials = "" if _contained(principal, workspace) else "revoke the caller's credentials"
    if item.assessment.response:  # the caller is one of us
        credentials = ""
    what = f"contain {' and '.join(left)}" if left else credentials if not about else ""
    return [*found, *([("do", f"{what} ({keys.shown('playbooks')})")] if what else [])]


def _contained(target: str, workspace: Workspace) -> bool:
    """Whether a step that contains it is in effect, and AWS does not show otherwise."""
    return bool(target) and any(response.contains for response in workspace.statuses_of(target))


def what_to_do_about(
    item: AssessedInstance, workspace: Workspace, keys: Keymap, *, done_lines: int = DONE_LINES
) -> list[tuple[str, str]]:
    """What was done about an instance and its role, and what an operator would do where it is compromised."""
    from vpce_tui.detection.assessment import InstanceStatus  # noqa: PLC0415

    instance, roles = item.instance, workspace.assessment_inputs().roles
    role = roles.of_profile(instance.profile_arn) if roles is not None else None
    involved = [instance.id, *([f"role/{role.name}"] if role is not None else [])]
    found = _done(involved, workspace, keys, done_lines)
    if item.status is InstanceStatus.COMPROMISED and not instance.gone and not _contained(instance.id, workspace):
        found.append(("do", f"contain the instance {instance.id} ({keys.shown('playbooks')})"))
    return found


def _done(involved: Iterable[str], workspace: Workspace, keys: Keymap, most: int) -> list[tuple[str, str]]:
    """What was done about each; few lines, so that the reasons stay in sight."""
    found = [text for target in involved for text in status_lines(target, workspace, keys)]
    more = len(found) - most
    if more > 0:
        rest = (
            f"{many(more, 'more playbook was', 'more playbooks were')} run: see the incident ({keys.shown('incident')})"
        )
        found = [*found[:most], rest]
    return [("done", text) for text in found]


def status_lines(target: str, workspace: Workspace, keys: Keymap) -> list[str]:
    """What the incidents of this host did about ``target``, and the key that continues it."""
    return [f"{target}: {response.says} ({keys.shown('playbooks')})" for response in workspace.statuses_of(target)]
