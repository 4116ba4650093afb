"""The AMIs that a new instance could start from: the old one, newer ones of its family, and which of them are suspect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.inventory import amis, parse
from vpce_tui.inventory.amis import Ami
from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
    aws_now,
)

IMAGE: Final = "ami"


@dataclass(frozen=True, slots=True)
class LaunchAmis:
    """The AMI an instance was started from (None: it is gone), newer ones of its family, and AWS's time."""

    old_id: str
    old: Ami | None
    candidates: tuple[Ami, ...]
    now: datetime
    account: str
    family: str = ""
    ended: str = ""
    notes: tuple[str, ...] = ()
    opened: datetime | None = None

    def by_id(self, identifier: str) -> Ami | None:
        """The AMI with this id, among the candidates and the old one; None: unknown."""
        known = [*self.candidates, *([self.old] if self.old else [])]
        return next((item for item in known if item.id == identifier), None)

    def suspect(self, item: Ami) -> bool:
        """Whether an intruder could have made it."""
        return item.suspect(self.account, self.opened or self.now)


def read_launch_amis(client: AwsClient, instance: Instance, asked: PlanningContext) -> LaunchAmis:
    """The AMI of ``instance`` and what could take its place, newest first; the one already chosen is among them."""
    region, account = instance.region, client.identity().account
    now = aws_now(client)
    old = next(iter(_images(client, region, {"ImageIds": [instance.image_id]})), None)
    family = amis.family_of(old) if old else None
    candidates, notes = _candidates(client, region, old, family) if old else ([], [])
    chosen = str(asked.remembered.get(IMAGE) or "")
    known = {item.id for item in candidates}
    if chosen.startswith("ami-") and chosen not in known and chosen != instance.image_id:
        candidates += _images(client, region, {"ImageIds": [chosen]})
    listed = amis.newest_first(candidates, now)
    return LaunchAmis(
        old_id=instance.image_id,
        old=old,
        candidates=tuple(listed[:12]),
        now=now,
        account=account,
        family=family.name if family else "",
        ended=family.ended if family else "",
        notes=tuple(notes),
        opened=parse.moment(asked.since),
    )


def _candidates(client: AwsClient, region: str, old: Ami, family: amis.Family | None) -> tuple[list[Ami], list[str]]:
    """Newer AMIs of the same family, and what is to be said of how they were found."""
    notes: list[str] = []
    if family and family.parameter:
        found, note = _by_parameter(client, region, family.parameter)
        if found:
            return found, []
        notes = [note]
    pattern = amis.name_pattern(old.name)
    if not pattern:
        return [], [*notes, f"the name {old.name!r} has no date or number, so newer AMIs cannot be recognized by it"]
    return _by_name(client, region, old, pattern), notes


def newest_of(
    client: AwsClient, region: str, old: Ami, account: str, now: datetime, opened: datetime | None
) -> Ami | None:
    """The newest AMI of the family of ``old`` that no intruder can have made; None where none is known."""
    found = amis.newest_first(_candidates(client, region, old, amis.family_of(old))[0], now)
    return next((item for item in found if not item.suspect(account, opened or now)), None)


def _images(client: AwsClient, region: str, parameters: Mapping[str, object]) -> list[Ami]:
    """None where AWS knows none of them any more."""
    try:
        pages = list(
            client.pages(Call(service="ec2", operation="DescribeImages", region=region, parameters=parameters))
        )
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code.startswith("InvalidAMIID"):
            return []
        raise
    return [amis.image(raw) for page in pages for raw in page.data.get("Images", [])]


def _by_parameter(client: AwsClient, region: str, name: str) -> tuple[list[Ami], str]:
    """The AMI that a public parameter names, and why not where it could not be asked."""
    try:
        answer = client.read(
            Call(service="ssm", operation="GetParameters", region=region, parameters={"Names": [name]})
        ).data
    except AwsError as error:
        return [], f"{name} could not be read, so newer AMIs are recognized by their names: {error.sentence()}"
    found = [str(item["Value"]) for item in answer.get("Parameters", [])]
    listed = _images(client, region, {"ImageIds": found}) if found else []
    return listed, "" if listed else f"{name} names no AMI here, so newer ones are recognized by their names"


def _by_name(client: AwsClient, region: str, old: Ami, pattern: str) -> list[Ami]:
    filters = [
        {"Name": "name", "Values": [pattern]},
        {"Name": "architecture", "Values": [old.architecture]},
        {"Name": "virtualization-type", "Values": [old.virtualization]},
        {"Name": "state", "Values": ["available"]},
    ]
    found = _images(client, region, {"Owners": [old.owner], "Filters": filters})
    return [item for item in found if item.id != old.id]
