"""What the rows of a journal hold: one type for each thing that is recorded, read and written by msgspec from these types.

A row's ``kind`` is a column of its own; where two types share a kind, a key that only one of them has decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

import msgspec

from vpce_tui.aws.call import Call
from vpce_tui.core.typed_data import convert
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.states import CallState, Decision, VerificationState


class RowKind(StrEnum):
    """What a row is about."""

    OPENED = "opened"
    OPERATOR = "operator"
    PLAN = "plan"
    APPROVED = "approved"
    INTENT = "intent"
    RESULT = "result"
    CHECK = "check"
    EVIDENCE = "evidence"
    NOTE = "note"
    UNDO = "undo"
    ERROR = "error"
    CLOSED = "closed"


class RowContent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """The content of a row. ``step`` is ``playbook/target/step`` throughout."""

    kind: ClassVar[RowKind]

    def data(self) -> dict[str, Any]:
        """It as what JSON can hold; times and bytes as they are."""
        found: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(datetime, bytes))
        return found


class IncidentOpened(RowContent, frozen=True):
    """The incident began: its name, the AWS account (12 digits) with its alias, and why."""

    kind = RowKind.OPENED
    name: str = ""
    account: str = ""
    alias: str = ""
    reason: str = ""


class OperatorResumed(RowContent, frozen=True):
    """Another person continues the incident."""

    kind = RowKind.OPERATOR
    arn: str


class WholePlan(RowContent, frozen=True):
    """The plan of a playbook for a target, as its file has it."""

    kind = RowKind.PLAN
    whole: dict[str, Any]


class StepPlan(RowContent, frozen=True):
    """A step as it was planned when it was run. ``sha256``: of the whole plan."""

    kind = RowKind.PLAN
    step: str
    plan: dict[str, Any]
    sha256: str = ""


class RunApproved(RowContent, frozen=True):
    """The operator approved the calls of a step, or of its undo. ``confirmed``: the id that was typed."""

    kind = RowKind.APPROVED
    step: str
    how: str = ""
    confirmed: str = ""
    undo: bool = False


class PersonApproved(RowContent, frozen=True):
    """A second person's approval was counted. ``plan``: SHA-256; ``approval``: its number; ``by``: the ARN that signed it;
    ``until``: RFC 3339; ``runner``: the person who runs."""

    kind = RowKind.APPROVED
    step: str
    approval: str
    plan: str = ""
    by: str = ""
    person: dict[str, Any] = {}
    until: str = ""
    runner: dict[str, Any] = {}
    undo: bool = False
    how: str = ""


class ApprovalSigned(RowContent, frozen=True):
    """This operator approved somebody's plan, in an incident of the operator's own. ``plan``: SHA-256; ``incident``: that of the
    plan; ``hours``: how long it is good for."""

    kind = RowKind.APPROVED
    approver: dict[str, Any]
    plan: str
    playbook: str
    target: str
    incident: str = ""
    incident_id: str = ""
    hours: float = 0
    how: str = ""


class IntendedCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a row has a resolved call: by its id in the plan, with its parameters as they may be written down, and its
    :meth:`~vpce_tui.aws.call.Call.fingerprint`."""

    id: str
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    fingerprint: str

    @property
    def resolved(self) -> Call:
        """The call."""
        return Call(self.service, self.operation, self.region, self.parameters)


class CallsIntended(RowContent, frozen=True):
    """These calls are about to be made; on disk before a permit exists. ``probe``: as a dry run."""

    kind = RowKind.INTENT
    step: str
    calls: tuple[IntendedCall, ...]
    probe: bool = False
    undo: bool = False


class CallResult(RowContent, frozen=True):
    """What came of one call. ``gave``: ids that later calls refer to; ``seconds``: AWS's part; ``handed_over``: where a secret of its
    answer went; ``undoes``: the calls that it takes back."""

    kind = RowKind.RESULT
    step: str
    call: str
    ok: bool
    undo: bool = False
    undoes: tuple[str, ...] = ()
    error: str = ""
    outcome_known: bool = True
    request_id: str = ""
    gave: dict[str, str] = {}
    seconds: float = 0.0
    handed_over: str = ""


class DryRunResult(RowContent, frozen=True):
    """What came of the dry runs of a step: ids of calls that passed, operations that were denied, other refusals; and AWS's request
    ids by the call's id."""

    kind = RowKind.RESULT
    step: str
    probe: bool
    passed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    request_ids: dict[str, str] = {}


class StepVerification(RowContent, frozen=True):
    """What reading a step back showed, or (``undo``) reading its undo back."""

    kind = RowKind.CHECK
    step: str
    verification: VerificationState
    saw: str = ""
    undo: bool = False


class CallCheck(RowContent, frozen=True):
    """What AWS says of a call whose answer was lost."""

    kind = RowKind.CHECK
    step: str
    call: str
    found: CallState
    saw: str = ""
    gave: dict[str, str] = {}
    undo: bool = False
    undoes: tuple[str, ...] = ()


class EvidenceKept(RowContent, frozen=True):
    """A file of evidence was written. ``size``: bytes; ``profile``: whose credentials were tried for it."""

    kind = RowKind.EVIDENCE
    step: str
    evidence: str
    sha256: str
    size: int
    service: str = ""
    operation: str = ""
    region: str = ""
    profile: str = ""


class NoteWritten(RowContent, frozen=True):
    """What a person says, of the incident or of a step, and what was decided about the step."""

    kind = RowKind.NOTE
    step: str = ""
    decision: Decision | None = None
    text: str = ""


class UndoShown(RowContent, frozen=True):
    """The inverse calls that are about to be made, and what is left as it is."""

    kind = RowKind.UNDO
    step: str
    calls: list[dict[str, Any]] = []
    left: list[str] = []


class ErrorRecorded(RowContent, frozen=True):
    """A step, or one of its results (``evidence``), could not be had."""

    kind = RowKind.ERROR
    step: str
    error: str
    evidence: str = ""
    differences: tuple[str, ...] = ()
    """What the step would do now, and the plan that was approved does not."""


class IncidentClosed(RowContent, frozen=True):
    """The incident is over."""

    kind = RowKind.CLOSED


_TYPES: Final[Mapping[str, type[RowContent]]] = {
    kind.kind.value: kind
    for kind in (
        IncidentOpened,
        OperatorResumed,
        StepPlan,
        RunApproved,
        CallsIntended,
        CallResult,
        CallCheck,
        EvidenceKept,
        NoteWritten,
        UndoShown,
        ErrorRecorded,
        IncidentClosed,
    )
}
_BY_KEY: Final[Mapping[tuple[str, str], type[RowContent]]] = {
    (RowKind.PLAN, "whole"): WholePlan,
    (RowKind.APPROVED, "approval"): PersonApproved,
    (RowKind.APPROVED, "approver"): ApprovalSigned,
    (RowKind.RESULT, "probe"): DryRunResult,
    (RowKind.CHECK, "verification"): StepVerification,
}
"""Types that share a kind with another, by the key that the other has not."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One line of the record. ``payload`` is the canonical JSON text that was hashed."""

    seq: int
    time: str
    operator: str
    kind: str
    payload: str
    previous: str
    hash: str

    @property
    def content(self) -> RowContent:
        """The payload as its type. Raises :class:`RecordError` for what no version of ours writes."""
        try:
            data = json.loads(self.payload)
            named = data if isinstance(data, dict) else {}
            if self.kind == RowKind.NOTE and named.get("decision") == "":
                del named["decision"]  # as version 0.1 wrote a note that decides nothing
            wanted = next(
                (found for (kind, key), found in _BY_KEY.items() if kind == self.kind and key in named),
                _TYPES.get(self.kind),
            )
            if wanted is not None:
                return convert(data, wanted)
            said = f"there is no row kind {self.kind[:40]!r}"
        except (ValueError, RecursionError) as error:
            said = str(error)
        raise RecordError(f"row {self.seq} of the record is damaged: {said}. Run vpce-tui verify.")
