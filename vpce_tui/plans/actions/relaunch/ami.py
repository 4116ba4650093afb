"""Which AMI the replacement is started from, and the user data of the old one.

(AWS: "Find the latest AMI using Systems Manager", "Deprecate an AMI".)
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from vpce_tui.blocks.model import BlockRow, ColumnKind, TableBlock, column
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.text import many
from vpce_tui.incident import redaction
from vpce_tui.incident.states import VerificationState
from vpce_tui.inventory.amis import Ami
from vpce_tui.plans.actions import Action, Answers, Choice, Options, ReadBack, read_back, unchanged
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch_amis import IMAGE, LaunchAmis

NAME: Final = "relaunch-ami"
"""How other steps find its answers."""
USER_DATA: Final = "relaunch-user-data"
_AMI: Final = re.compile(r"ami-[0-9a-f]{8,17}")


def read_options(_: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """The AMI that was chosen is looked at too."""
    return {IMAGE: others.get(NAME, {}).get("ami", "")}


def _look_here(choices: Mapping[str, str], _: Answers) -> Mapping[str, object]:
    return {IMAGE: choices.get("ami", "")}


_COLUMNS: Final = (
    column("AMI"),
    column("NAME"),
    column("CREATED", ColumnKind.TIME),
    column("OWNER"),
    column("DEPRECATED", ColumnKind.YES_NO),
    column("SUSPECT", ColumnKind.YES_NO, "created by this account since the day before the incident"),
)


def _options(state: InstanceState) -> Options:
    known = state.images
    return tuple(_option(known, item) for item in known.candidates) if known else ()


def _option(known: LaunchAmis, item: Ami) -> Option:
    suspect = known.suspect(item)
    mark = ", SUSPECT: created recently by this account" if suspect else ""
    return Option(
        value=item.id,
        label=f"{item.name}, {_age(item, known.now)}{mark}",
        cells=(
            item.id,
            item.name,
            rfc3339(item.created) if item.created else None,
            _owner(known, item),
            item.is_deprecated(known.now),
            suspect,
        ),
    )


def default_image(state: InstanceState) -> str:
    """The newest that no intruder can have made; the old one where there is none."""
    known = state.images
    if known is None:
        return ""
    trusted = [item for item in known.candidates if not known.suspect(item)]
    return trusted[0].id if trusted else known.old.id if known.old else ""


def _age(item: Ami, now: datetime) -> str:
    days = item.age_days(now)
    if item.created is None or days is None:
        return "of unknown age"
    return f"{item.created:%Y-%m-%d}, {'created today' if days == 0 else many(days, 'day') + ' old'}"


def _plan(state: InstanceState, draft: Draft) -> Step:
    known, chosen = state.images, draft.choices["ami"]
    draft.read("old-image", "DescribeImages", {"ImageIds": [state.instance.image_id]}, "the old AMI", optional=True)
    if chosen and chosen != state.instance.image_id:
        draft.read("new-image", "DescribeImages", {"ImageIds": [chosen]}, "the new AMI")
    draft.note_unread(state.unknown)
    if known is not None:
        draft.show(_side_by_side(known, known.by_id(chosen), chosen))
        draft.note(*_warnings(known, known.by_id(chosen), chosen), *known.notes)
    draft.prove("the AMI is available")
    return draft.step(StepKind.READ)


def _side_by_side(known: LaunchAmis, new: Ami | None, chosen: str) -> TableBlock:
    old = known.old
    rows = [BlockRow(id="AMI", cells=("AMI", known.old_id, chosen or "none chosen"))]
    for name, said in (
        ("name", lambda item: item.name),
        ("made", lambda item: _age(item, known.now)),
        ("owner", lambda item: _owner(known, item)),
        ("kind", lambda item: f"{item.architecture}, {item.virtualization}"),
        ("deprecated", lambda item: "yes" if item.is_deprecated(known.now) else "no"),
    ):
        rows.append(BlockRow(id=name, cells=(name, said(old) if old else "gone", said(new) if new else "not found")))
    return TableBlock(title="old and new", columns=(column(""), column("OLD"), column("NEW")), rows=tuple(rows))


def _owner(known: LaunchAmis, item: Ami) -> str:
    return "this account" if item.owner == known.account else f"{item.alias or item.owner} {item.owner}".strip()


def _warnings(known: LaunchAmis, new: Ami | None, chosen: str) -> list[str]:
    said = []
    if known.old is None:
        said.append(f"the old AMI {known.old_id} is gone, so its family is unknown: enter an AMI in its prompts")
    elif known.family:
        said.append(f"family: {known.family}, newest AMI from the publisher's SSM public parameter")
    if known.ended:
        said.append(f"{known.family} has had no security updates since {known.ended}: plan a move to its successor")
    if new is not None and new.id == known.old_id:
        said.append("no newer AMI is known: if the AMI has the vulnerability, the new instance has it too")
    if new is not None and known.suspect(new):
        said.append(
            f"SUSPECT: {new.id} was created by this account since the day before the incident; the intruder may have created it"
        )
    if new is not None and known.old is not None:
        said += _unlike(known.old, new)
    if new is not None and new.owner != known.account and not new.alias and known.old and new.owner != known.old.owner:
        said.append(f"{new.id} belongs to account {new.owner}, not to the old AMI's owner: do you trust it?")
    if chosen and new is None:
        said.append(f"{chosen} was not found in this region, or can no longer be launched: choose again in its prompts")
    return said


def _unlike(old: Ami, new: Ami) -> list[str]:
    return [
        f"{name} differs from the old AMI: {theirs}, was {mine}"
        for name, mine, theirs in (
            ("architecture", old.architecture, new.architecture),
            ("virtualization", old.virtualization, new.virtualization),
        )
        if mine != theirs
    ]


def _settled(state: InstanceState, step: Step) -> ReadBack:
    chosen = step.choices.get("ami", "")
    if state.images is None:
        return VerificationState.NOT_YET, "the AMIs could not be read"
    new = state.images.by_id(chosen)
    if new is None or new.state != "available":
        return VerificationState.FAILED, f"{chosen or 'no AMI'} cannot be launched: choose another"
    return VerificationState.VERIFIED, f"{new.id} {new.name} is available"


def _wrong_image(text: str) -> str:
    return "" if _AMI.fullmatch(text) else f"{text!r} is not an AMI id; expected ami-0123456789abcdef0"


CHOOSE_AMI: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.IMAGES}),
    plan=_plan,
    expect=unchanged,
    verify=_settled,
    choices=(
        Choice(
            id="ami",
            question="Which AMI the new instance is launched from",
            options=_options,
            columns=_COLUMNS,
            default=default_image,
            free=True,
            check=_wrong_image,
        ),
    ),
    read_options=_look_here,
    may=("ec2:DescribeImages",),
)


# -- user data


def _plan_user_data(state: InstanceState, draft: Draft) -> Step:
    one = {"InstanceId": state.instance.id, "Attribute": "userData"}
    draft.read("user-data", "DescribeInstanceAttribute", one, "user data, kept as evidence and not shown here")
    raw = state.settings.user_data if state.settings else b""
    draft.note_unread(state.unknown)
    if state.gone:
        draft.note(
            "the user data of a terminated instance is no longer available: see the evidence that terminate-instance preserved"
        )
    elif not raw and not draft.content:
        draft.note("it has no user data")
    elif raw:
        draft.note(*_what_it_holds(raw))
    draft.prove("the result is recorded as evidence")
    return draft.step(StepKind.READ)


def _what_it_holds(raw: bytes) -> list[str]:
    said = [f"{len(raw):,} bytes, SHA-256 {hashlib.sha256(raw).hexdigest()}"]
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        return [*said, "not text (perhaps compressed): inspect it with your own tool before you copy it"]
    secret = [str(number) for number, line in enumerate(lines, start=1) if redaction.text(line) != line]
    said.append(f"{many(len(lines), 'line')}; read them once they are kept: v, or vpce-tui evidence INCIDENT user-data")
    if secret:
        said.append(
            f"looks like a secret in line {', '.join(secret)}: whoever may describe instances can read it; rotate it"
        )
    return said


REVIEW_USER_DATA: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.SETTINGS}),
    plan=_plan_user_data,
    expect=unchanged,
    verify=read_back,
    may=("ec2:DescribeInstanceAttribute",),
)
