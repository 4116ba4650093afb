"""AMIs: what one is, which family it belongs to, and which newer ones of its family there are.

AWS and some publishers name their newest AMI in a public SSM parameter; for every other family the newest available AMI
of the same owner, name pattern, architecture and virtualization is taken. (AWS: "Reference AMIs using Systems Manager
parameters", "Calling AMI public parameters in Parameter Store"; Canonical and Debian name theirs alike.)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import tags_of


@dataclass(frozen=True, slots=True)
class AmiVolume:
    """One EBS volume that an AMI asks for."""

    device: str
    size_gib: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class Ami:
    """One AMI."""

    id: str
    name: str
    owner: str
    alias: str
    created: datetime | None
    deprecated: datetime | None
    state: str
    architecture: str
    virtualization: str
    root_device: str
    volumes: tuple[AmiVolume, ...] = ()
    public: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def root_size(self) -> int:
        """GiB of its root volume; 0 where it does not say."""
        return next((volume.size_gib for volume in self.volumes if volume.device == self.root_device), 0)

    def age_days(self, now: datetime) -> int | None:
        """Whole days since it was made."""
        return (now - self.created).days if self.created else None

    def suspect(self, account: str, opened: datetime) -> bool:
        """Whether an intruder could have made it: a private AMI of this account from the day before ``opened`` (when the
        incident was, or now), or later."""
        return self.owner == account and self.created is not None and self.created >= opened - timedelta(days=1)

    def is_deprecated(self, now: datetime) -> bool:
        """Whether its owner calls it deprecated by now."""
        return self.deprecated is not None and self.deprecated <= now


def image(raw: Mapping[str, Any]) -> Ami:
    """One item of ``DescribeImages``."""
    volumes = tuple(
        AmiVolume(str(item.get("DeviceName", "")), int(ebs.get("VolumeSize") or 0), str(ebs.get("VolumeType", "")))
        for item in raw.get("BlockDeviceMappings") or ()
        if (ebs := item.get("Ebs"))
    )
    return Ami(
        id=str(raw.get("ImageId", "")),
        name=str(raw.get("Name", "")),
        owner=str(raw.get("OwnerId", "")),
        alias=str(raw.get("ImageOwnerAlias") or ""),
        created=parse.moment(raw.get("CreationDate")),
        deprecated=parse.moment(raw.get("DeprecationTime")),
        state=str(raw.get("State", "")),
        architecture=str(raw.get("Architecture", "")),
        virtualization=str(raw.get("VirtualizationType", "")),
        root_device=str(raw.get("RootDeviceName", "")),
        volumes=volumes,
        public=bool(raw.get("Public")),
        tags=tags_of(raw.get("Tags")),
    )


_AMAZON: Final = "137112412989"
_ECS: Final = "591542846629"
_CANONICAL: Final = "099720109477"
_WINDOWS: Final = "801119661308"
_DEBIAN: Final = "136693071363"
_UBUNTU_ARCHITECTURE: Final = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Family:
    """What kind of AMI it is, in words, and the public parameter that names its newest (``""``: none)."""

    name: str
    parameter: str = ""
    ended: str = ""
    """When its publisher stopped to mend it (a date), where that is so for the whole family."""


def family_of(known: Ami) -> Family | None:
    """The family of a publisher's AMI; None where it is nobody's known here."""
    for owner, alias, read in _PUBLISHERS:
        if known.owner == owner or (alias and known.alias == alias and not known.owner):
            return read(known)
    return None


def _amazon_linux(known: Ami) -> Family | None:
    base = "/aws/service/ami-amazon-linux-latest"
    if match := re.match(r"al2023-ami-(minimal-)?[0-9]{4}\.[0-9.]+-kernel-([0-9]+\.[0-9]+)-", known.name):
        size, kernel = match[1] or "", match[2]
        return Family("Amazon Linux 2023", f"{base}/al2023-ami-{size}kernel-{kernel}-{known.architecture}")
    if match := re.match(r"amzn2-ami-(kernel-[0-9]+\.[0-9]+-)?hvm-2\.0\.", known.name):
        volume = "gp2" if known.name.endswith("gp2") else "ebs"
        name = f"{base}/amzn2-ami-{match[1] or ''}hvm-{known.architecture}-{volume}"
        return Family("Amazon Linux 2", name, "2026-06-30")
    if known.name.startswith("amzn-ami-"):
        return Family("Amazon Linux 1", "", "2023-12-31")
    return None


def _ecs(known: Ami) -> Family | None:
    base = "/aws/service/ecs/optimized-ami"
    arm = "/arm64" if known.architecture == "arm64" else ""
    if known.name.startswith("al2023-ami-ecs-hvm-"):
        return Family("Amazon ECS on Amazon Linux 2023", f"{base}/amazon-linux-2023{arm}/recommended/image_id")
    if known.name.startswith("amzn2-ami-ecs-hvm-"):
        return Family("Amazon ECS on Amazon Linux 2", f"{base}/amazon-linux-2{arm}/recommended/image_id", "2026-06-30")
    return None


def _ubuntu(known: Ami) -> Family | None:
    match = re.match(
        r"ubuntu/images/hvm-(ssd|ssd-gp3)/ubuntu-[a-z]+-([0-9][0-9]\.[0-9][0-9])-(amd64|arm64)-server-[0-9]{8}",
        known.name,
    )
    if not match:
        return None
    volume = "ebs-gp3" if match[1] == "ssd-gp3" else "ebs-gp2"
    architecture = _UBUNTU_ARCHITECTURE.get(known.architecture, match[3])
    base = f"/aws/service/canonical/ubuntu/server/{match[2]}/stable/current"
    return Family(f"Ubuntu {match[2]}", f"{base}/{architecture}/hvm/{volume}/ami-id")


def _windows(known: Ami) -> Family | None:
    match = re.match(r"([A-Za-z0-9_-]+)-[0-9]{4}\.[0-9][0-9]\.[0-9][0-9]$", known.name)
    return Family(match[1].replace("_", " "), f"/aws/service/ami-windows-latest/{match[1]}") if match else None


def _debian(known: Ami) -> Family | None:
    match = re.match(r"debian-([0-9]+)-(amd64|arm64)-[0-9]{8}", known.name)
    return Family(f"Debian {match[1]}", f"/aws/service/debian/release/{match[1]}/latest/{match[2]}") if match else None


_PUBLISHERS: Final = (
    (_AMAZON, "amazon", _amazon_linux),
    (_ECS, "", _ecs),
    (_CANONICAL, "", _ubuntu),
    (_WINDOWS, "", _windows),
    (_DEBIAN, "", _debian),
)

_KEPT: Final = re.compile(r"(x86_64|i386|amd64|arm64|aarch64|hvm|ebs|gp2|gp3|s3|al2023|amzn2)")
_CHANGING: Final = re.compile(r"[0-9]+(?:[._:-][0-9]+)*")


def name_pattern(name: str) -> str:
    """``storefront-base-2026-03`` as ``storefront-base-*``: what the newer ones are called. ``""``: no part of it changes."""
    parts = _KEPT.split(name)
    written = "".join(part if number % 2 else _CHANGING.sub("*", _escaped(part)) for number, part in enumerate(parts))
    return written if "*" in written.replace("\\*", "") else ""


def _escaped(part: str) -> str:
    """A filter's own signs as plain ones."""
    return re.sub(r"([*?\\])", r"\\\1", part)


def newest_first(found: Iterable[Ami], now: datetime) -> list[Ami]:
    """Those that may be started, newest first."""
    usable = [item for item in found if item.state == "available" and not item.is_deprecated(now)]
    return sorted(usable, key=lambda item: (item.created.timestamp() if item.created else 0.0, item.id), reverse=True)
