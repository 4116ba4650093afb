"""The operating system's keyring: the one place on this host where a secret may live."""

import contextlib
import uuid
from typing import Final

SERVICE: Final = "vpce-tui"
APPROVER_KEY: Final = "approver-key"
"""The name of the key that signs approvals."""


class NoKeyring(Exception):
    """This host has no keyring that can be used; the message says why."""


def keep(name: str, secret: str) -> str:
    """Put ``secret`` under ``name``; gives where it is, in words. Raises :class:`NoKeyring`."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    if isinstance(keyring.get_keyring(), fail.Keyring):
        raise NoKeyring("this host has no keyring that can be used")
    try:
        keyring.set_password(SERVICE, name, secret)
        kept = keyring.get_password(SERVICE, name)
    except (KeyringError, OSError) as error:
        raise NoKeyring(f"the keyring could not store it: {type(error).__name__}") from None
    if kept != secret:
        raise NoKeyring("the keyring stored it but does not return it")
    return f"in the keyring of this host, service {SERVICE}, name {name}"


def ready() -> None:
    """See that something can be kept, before there is anything to keep. Raises :class:`NoKeyring`."""
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    name = f"trial-{uuid.uuid4().hex[:12]}"
    keep(name, "nothing")
    with contextlib.suppress(KeyringError, OSError):
        keyring.delete_password(SERVICE, name)


def get(name: str) -> str:
    """What is kept under ``name``; ``""``: nothing. Raises :class:`NoKeyring`."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    if isinstance(keyring.get_keyring(), fail.Keyring):
        raise NoKeyring("this host has no keyring that can be used")
    try:
        return keyring.get_password(SERVICE, name) or ""
    except KeyringError as error:
        raise NoKeyring(f"the keyring did not answer: {type(error).__name__}") from None
