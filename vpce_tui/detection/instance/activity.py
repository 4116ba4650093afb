"""What was done to an instance, by whom."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from vpce_tui.cloudtrail.callers import called_by_aws_service, caller_key
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.event_timeline import NONE
from vpce_tui.cloudtrail.sensitive_calls import describe_impact
from vpce_tui.detection.endpoint.endpoint_facts import USUAL
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.instance.related_events import UNREAD_TARGETS, of_late
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact

_LATELY: Final = timedelta(days=2)


def _by_people(subject: InstanceFacts, events: Iterable[Event]) -> list[Event]:
    """Calls that did something, by somebody other than a service of AWS or an incident's responder."""
    return [
        event
        for event in events
        if not event.error_code and not called_by_aws_service(event) and not subject.is_response(event)
    ]


def _asked(event: Event) -> Mapping[str, Any]:
    found = event.record.get("requestParameters")
    return found if isinstance(found, Mapping) else {}


def _unusual(subject: InstanceFacts, event: Event, names: Iterable[str]) -> bool | None:
    """Whether its maker never made such a call before; None: too little is known."""
    known = [subject.past.knows(f"EventName={name}", subject.instance.region) for name in names]
    since = min((found.since for found in known if found is not None), default=None)
    if since is None or event.time - since < USUAL:
        return None
    line = subject.past.by_caller.get(caller_key(event), NONE)
    return not any(other.name in names for other in line.before(event.time - timedelta(days=2)))


def _when(event: Event) -> str:
    return f"{event.time:%Y-%m-%d %H:%M:%SZ} by {event.principal.name} from {event.source_ip}"


_CHANGES: Final = {
    "ModifyInstanceAttribute": "its attributes",
    "ModifyInstanceMetadataOptions": "its metadata service",
    "AssociateIamInstanceProfile": "its role",
    "ReplaceIamInstanceProfileAssociation": "its role",
    "ModifyNetworkInterfaceAttribute": "its groups",
    "AttachNetworkInterface": "its interfaces",
    "AttachVolume": "its volumes",
}


@rule(
    "INST-08",
    Severity.MEDIUM,
    "terminate-instance",
    name="Its user data, role, security groups or attributes were changed recently by a person",
    why=(
        "User data can run as root at the next start. A new role or security group can give access, or more privileges."
    ),
    false_positives="the change was planned",
    techniques=("T1578.005", "T1059.009"),
)
def changed_lately(subject: InstanceFacts) -> RuleResult:
    found: list[tuple[str, Event]] = []
    for name, what in _CHANGES.items():
        for event in _by_people(subject, subject.about.get(name, ())):
            if subject.now is not None and subject.now - event.time > _LATELY:
                continue
            if name == "ModifyNetworkInterfaceAttribute" and "groupSet" not in _asked(event):
                continue
            said = "its user data" if "userData" in _asked(event) else what
            if name == "ModifyInstanceAttribute" and "groupSet" in _asked(event):
                said = "its groups"
            found.append((said, event))
    if not found:
        if subject.past.knows("EventName=ModifyInstanceAttribute", subject.instance.region) is None:
            return Inconclusive("whether it was changed recently: such calls were not searched")
        return None
    worst = next((item for item in found if item[0] == "its user data"), found[0])
    words = list(dict.fromkeys(what for what, _ in found))
    facts = tuple(SignalFact(event.name, _when(event), "history") for _, event in found[:5])
    return Match(
        f"Changed recently: {', '.join(words)}",
        facts,
        Severity.HIGH if worst[0] == "its user data" else Severity.MEDIUM,
    )


_LARGE: Final = (
    "p2.",
    "p3",
    "p4",
    "p5",
    "p6",
    "g3",
    "g4",
    "g5",
    "g6",
    "inf",
    "trn",
    "dl1",
    "u-",
    "x1",
    "x2",
    "hpc",
    "vt1",
    "f1.",
    "f2.",
)
_BURST: Final = 5
_HOUR: Final = timedelta(hours=1)


@rule(
    "INST-09",
    Severity.HIGH,
    "terminate-instance",
    name=(
        "Launched recently by somebody new, in an unused region, as a very large instance, or with many others at once"
    ),
    why="Stolen credentials are often used for mining, on large instances in unmonitored regions.",
    false_positives="the team launched it for known work",
    techniques=("T1496", "T1578.002"),
)
def strange_launch(subject: InstanceFacts) -> RuleResult:
    launched = subject.instance.launched
    if launched is None or subject.now is None or subject.now - launched > _LATELY:
        return None
    reasons: list[str] = []
    facts = [
        SignalFact("launched", f"{launched:%Y-%m-%d %H:%M:%SZ}", "live"),
        SignalFact("type", subject.instance.type, "live"),
    ]
    if subject.instance.type.startswith(_LARGE) or subject.instance.type.endswith(
        ("24xlarge", "32xlarge", "48xlarge", "metal")
    ):
        reasons.append(f"as a {subject.instance.type}")
    mine = subject.past.launched.get(subject.instance.id)
    if mine is not None and subject.is_response(mine):
        return None
    if mine is not None and not called_by_aws_service(mine):
        facts.append(SignalFact("RunInstances", _when(mine), "history"))
        who, line = caller_key(mine), subject.past.launches.get(caller_key(mine), NONE)
        if _unusual(subject, mine, ("RunInstances",)):
            reasons.append("by somebody who never launched one before")
        near = line.count_within(mine.time + _HOUR, 2 * _HOUR)
        if near >= _BURST:
            reasons.append(f"with {near - 1} more launches within the hour")
        known, others = (
            subject.past.knows("ReadOnly=false", subject.instance.region),
            subject.past.changers.get(subject.instance.region),
        )
        long_enough = (
            known is not None and subject.instance.region not in known.cut and mine.time - known.since >= USUAL
        )
        if (
            long_enough
            and others is not None
            and not others.others(who, mine.time)
            and len(subject.region.instances) <= near
        ):
            reasons.append("in a region that nobody else uses")
    if reasons:
        return Match(f"Launched recently {', '.join(reasons)}", tuple(facts))
    if mine is None and subject.past.knows("EventName=RunInstances", subject.instance.region) is None:
        return Inconclusive("who launched it: such calls were not searched")
    return None


_SHELLS: Final = {
    "StartSession": "an SSM session",
    "SendCommand": "an SSM command",
    "SendSSHPublicKey": "EC2 Instance Connect",
    "SendSerialConsoleSSHPublicKey": "the serial console",
    "OpenTunnel": "an Instance Connect tunnel",
}


@rule(
    "INST-15",
    Severity.HIGH,
    "terminate-instance",
    name="A principal that does not usually do so opened a shell on it, or ran a command",
    why=("Such a session can become root, often needs no inbound rule, and leaves little on the instance."),
    false_positives="somebody on the team repaired it",
    techniques=("T1021.007", "T1651"),
)
def shell(subject: InstanceFacts) -> RuleResult:
    found: list[Event] = []
    unsure: list[Event] = []
    for name in _SHELLS:
        for event in of_late(_by_people(subject, subject.about.get(name, ())), subject.now):
            unusual = _unusual(subject, event, tuple(_SHELLS))
            if event.principal.instance_id or unusual:
                found.append(event)
            elif unusual is None:
                unsure.append(event)
    if found:
        facts = tuple(SignalFact(event.name, _when(event), "history") for event in found[:5])
        return Match(
            f"{found[-1].principal.name} used {_SHELLS[found[-1].name]} on it, for the first time on record", facts
        )
    if unsure:
        event = unsure[-1]
        return Inconclusive(f"whether {event.name} by {event.principal.name} is usual: too little history was searched")
    if subject.about.get(UNREAD_TARGETS):
        return Inconclusive("whether a command was run on it: one was sent to targets that cannot be evaluated here")
    if any(
        subject.past.knows(f"EventName={name}", subject.instance.region) is None
        for name in ("StartSession", "SendCommand")
    ):
        return Inconclusive("whether somebody opened a shell on it: such calls were not searched")
    return None


@rule(
    "INST-16",
    Severity.MEDIUM,
    "terminate-instance",
    name="A principal that does not usually do so read its password or its user data",
    why="User data often contains passwords and keys; the Windows password gives access to the instance.",
    false_positives="somebody on the team looked something up",
    techniques=("T1552", "T1580"),
)
def read_secrets(subject: InstanceFacts) -> RuleResult:
    calls = _by_people(subject, subject.about.get("GetPasswordData", ()))
    calls += [
        event
        for event in _by_people(subject, subject.about.get("DescribeInstanceAttribute", ()))
        if _asked(event).get("attribute") == "userData"
    ]
    calls = of_late(calls, subject.now)
    found = [event for event in calls if event.principal.instance_id or _unusual(subject, event, (event.name,))]
    if found:
        what = "its password" if found[0].name == "GetPasswordData" else "its user data"
        facts = tuple(SignalFact(event.name, _when(event), "history") for event in found[:5])
        return Match(f"{found[0].principal.name} read {what}", facts)
    unsure = [event for event in calls if _unusual(subject, event, (event.name,)) is None]
    if unsure:
        return Inconclusive(
            f"whether {unsure[0].name} by {unsure[0].principal.name} is usual: too little history was searched"
        )
    if subject.past.knows("EventName=GetPasswordData", subject.instance.region) is None:
        return Inconclusive("whether somebody read its password: such calls were not searched")
    return None


@rule(
    "INST-17",
    Severity.CRITICAL,
    "harden-account",
    name="A snapshot of its volumes was shared with another account, or made public",
    why="Whoever can copy the snapshot has the volume's data: files, keys, databases.",
    false_positives="it was shared with an account of yours, for instance for forensics",
    techniques=("T1537", "T1530"),
    applies_to_failed_calls=True,
)
def shared_snapshots(subject: InstanceFacts) -> RuleResult:
    public = {
        snapshot: volume
        for volume in subject.instance.volumes
        for snapshot in subject.region.public_snapshots.get(volume.id, ())
    }
    if public:
        named = ", ".join(sorted(public))
        return Match("Snapshots of its volumes are public", (SignalFact("snapshots", named, "live"),))
    own = {
        name
        for event in (*subject.about.get("CreateSnapshot", ()), *subject.about.get("CreateSnapshots", ()))
        for name in _SNAPSHOT.findall(event.raw)
    }
    for snapshot in sorted(_with_copies(own, subject.past)):
        for event in subject.past.shares.get(snapshot, NONE).events:
            if not _only_known(subject, event) and not subject.is_response(event):
                facts = (SignalFact("snapshot", snapshot, "history"), SignalFact(event.name, _when(event), "history"))
                return Match(f"A snapshot of its volume was {describe_impact(event)}", facts)
    why = subject.unread("snapshots")
    if why:
        return Inconclusive(f"whether its snapshots are public: {why}")
    asked = [subject.past.knows(f"EventName={name}") for name in _SHARES]
    if subject.instance.volumes and None in asked:
        return Inconclusive("whether its snapshots were shared: such calls were not searched")
    return None


_SHARES: Final = ("ModifySnapshotAttribute", "CopySnapshot")
_SNAPSHOT: Final = re.compile(r"snap-[0-9a-f]+")


def _with_copies(snapshots: set[str], past: EventIndex) -> set[str]:
    """Snapshots with their copies, and the copies of those."""
    found, waiting = set(snapshots), list(snapshots)
    while waiting:
        new = past.copies.get(waiting.pop(), frozenset()) - found
        found |= new
        waiting += new
    return found


def _only_known(subject: InstanceFacts, event: Event) -> bool:
    """Whether everybody that a snapshot was given to is ours."""
    known = {*subject.trust_zone.accounts, subject.context.forensics_account}
    text = str(_asked(event).get("createVolumePermission") or _asked(event))
    named = set(re.findall(r"(?<![0-9])[0-9]{12}(?![0-9])", text))
    return describe_impact(event) != "made public" and bool(named) and named <= known


@rule(
    "INST-18",
    Severity.MEDIUM,
    "block-traffic",
    name="Its monitoring or flow logs were turned off",
    why="Intruders with enough permissions first disable logging.",
    false_positives="the team cleaned up its logging",
    techniques=("T1562.001", "T1562.008"),
    applies_to_failed_calls=True,
)
def no_longer_watched(subject: InstanceFacts) -> RuleResult:
    stopped = _by_people(subject, subject.about.get("UnmonitorInstances", ()))
    places = {subject.instance.vpc_id, subject.instance.subnet_id, *(nic.id for nic in subject.instance.interfaces)} - {
        ""
    }
    for event in subject.past.by_name.get("DeleteFlowLogs", NONE).events:
        if (
            event.region == subject.instance.region
            and not event.error_code
            and not subject.is_response(event)
            and subject.instance.vpc_id
            and not subject.unread("flow logs", "networks")
            and not (places & subject.region.network.recorded)
        ):
            stopped.append(event)
    if not stopped:
        if subject.past.knows("EventName=DeleteFlowLogs", subject.instance.region) is None:
            return Inconclusive("whether its monitoring was turned off: such calls were not searched")
        return None
    event = stopped[0]
    what = (
        "Its monitoring was turned off"
        if event.name == "UnmonitorInstances"
        else "Flow logs of its region were deleted, and nothing records its traffic now"
    )
    return Match(what, tuple(SignalFact(item.name, _when(item), "history") for item in stopped[:5]))


@rule(
    "INST-19",
    Severity.HIGH,
    "block-traffic",
    name="Its traffic is mirrored elsewhere, or others' traffic is mirrored to it",
    why=(
        "A traffic mirroring session sends a copy of every packet to another interface or load balancer, also what "
        "is not encrypted."
    ),
    false_positives="the team's intrusion detection uses traffic mirroring",
    techniques=("T1040", "T1020.001"),
)
def mirrored(subject: InstanceFacts) -> RuleResult:
    why = subject.unread("traffic mirroring")
    if why:
        return Inconclusive(f"whether its traffic is mirrored: {why}")
    own = {nic.id for nic in subject.instance.interfaces}
    copied = [(nic, mirror) for nic, mirror in subject.region.mirrored.items() if nic in own]
    taken = [(nic, mirror) for nic, mirror in subject.region.mirrored.items() if mirror.goes_to in own]
    if not copied and not taken:
        return None
    facts = tuple(
        SignalFact("mirroring session", f"{mirror.session}: {nic} to {mirror.goes_to or 'an unknown target'}", "live")
        for nic, mirror in (*copied, *taken)
    )
    if copied:
        return Match(f"Its traffic is mirrored to {_holder(subject, copied[0][1].goes_to)}", facts)
    return Match(f"The traffic of {_holder(subject, taken[0][0])} is mirrored to it", facts)


def _holder(subject: InstanceFacts, interface: str) -> str:
    """The instance that has an interface; the interface itself where no instance that is known has it."""
    found = (item for item in subject.region.instances if any(nic.id == interface for nic in item.interfaces))
    return next((item.label for item in found), interface or "an unknown target")


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (
    changed_lately,
    strange_launch,
    shell,
    read_secrets,
    shared_snapshots,
    no_longer_watched,
    mirrored,
)
