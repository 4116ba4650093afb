"""Amazon Resource Names: ``arn:partition:service:region:account:resource`` (AWS General Reference, "ARN format")."""

from typing import NamedTuple


class Arn(NamedTuple):
    """The parts of an ARN, or of a pattern of ARNs; ``resource`` may hold colons. Region and account may be empty."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @property
    def kind(self) -> str:
        """The resource up to its first slash: ``user``, ``assumed-role``."""
        return self.resource.partition("/")[0]

    @property
    def path(self) -> str:
        """The resource behind its first slash."""
        return self.resource.partition("/")[2]

    @property
    def name(self) -> str:
        """The resource behind its last slash; all of it where it has none."""
        return self.resource.rpartition("/")[2]


def parse_arn(text: str) -> Arn | None:
    """The parts of ``text``; None where it is no ARN."""
    parts = text.split(":", 5)
    return Arn(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def account_of(text: str) -> str:
    """The account that an ARN names; ``""`` where it names none, or is none."""
    arn = parse_arn(text)
    return arn.account if arn else ""
