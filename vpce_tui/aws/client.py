"""What the rest of the product knows of AWS: somebody who makes calls."""

import threading
from collections.abc import Iterator
from typing import Protocol

from vpce_tui.aws.call import Answer, Call, CredentialCheck, Identity, Permit
from vpce_tui.aws.errors import Cancelled


class Cancel:
    """A flag the operator can raise (Escape); work looks at it between calls. Raised twice, nothing is finished first."""

    def __init__(self, *, patient_of: "Cancel | None" = None) -> None:
        self._event = threading.Event()
        self._twice = threading.Event()
        if patient_of is not None:
            self._event = self._twice = patient_of._twice

    def stop(self) -> None:
        """Ask the work to end."""
        if self._event.is_set():
            self._twice.set()
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether the work should end."""
        return self._event.is_set()

    def patient(self) -> "Cancel":
        """The same flag for work that must not be left half done: it is seen once it was raised twice."""
        return Cancel(patient_of=self)

    def check(self) -> None:
        """Raise :class:`Cancelled` when asked to end."""
        if self._event.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until asked to end; raises then."""
        if self._event.wait(seconds):
            raise Cancelled


class AwsClient(Protocol):
    """Makes calls through the gate. Thread-safe. Errors are :class:`~vpce_tui.aws.errors.AwsError`."""

    @property
    def read_only(self) -> bool:
        """Whether writes are refused for the life of this process."""

    @property
    def home_region(self) -> str:
        """The region of the profile, for what has none of its own."""

    @property
    def access_key(self) -> str:
        """Id of the access key that signs; ``""``: not known. Never the secret."""

    def identity(self) -> Identity:
        """Who AWS says we are; asked once, then remembered."""

    def account_alias(self) -> str:
        """The name that people gave the account; ``""``: it has none, or it may not be read."""

    def confirm_identity(self) -> Identity:
        """Ask AWS again; used before each step that changes something."""

    def read(self, call: Call) -> Answer:
        """Make one read."""

    def pages(self, call: Call, *, cancel: Cancel | None = None) -> Iterator[Answer]:
        """Every page of a paged read (one answer where the operation is not paged).

        Raises :class:`~vpce_tui.aws.errors.Cancelled` before a page where ``cancel`` was raised.
        """

    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles whose credentials can be tried."""

    def check_credentials(self, profile: str, call: Call) -> CredentialCheck:
        """Try the credentials of a profile with one harmless read; a refusal is an answer."""

    def write(self, call: Call, permit: Permit) -> Answer:
        """Make one write, once, never repeated by us."""
