"""Remove what lets a user into the console: password, MFA devices, certificates, service credentials."""

from typing import Final

from vpce_tui.plans.actions import Action, Choice, by_effects, parts, unchanged
from vpce_tui.plans.actions.credentials.principal_helpers import cannot_act, names_in_iam
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.principal_state import (
    PrincipalAspect,
    PrincipalKind,
    PrincipalState,
)

_REMOVALS: Final = {
    "login-profile": ("DeleteLoginProfile", "", "delete the console password of {name}"),
    "mfa": ("DeactivateMFADevice", "SerialNumber", "{id} is deactivated"),
    "certificate": ("DeleteSigningCertificate", "CertificateId", "{id} is deleted"),
    "credential": ("DeleteServiceSpecificCredential", "ServiceSpecificCredentialId", "{id} is deleted"),
}
"""What can be deleted, by the first word of an option: the operation, what names the thing in it, why."""


def _console_options(state: PrincipalState) -> tuple[tuple[str, str], ...]:
    found = [("login-profile", "the console password")] if state.password else []
    found += [(f"mfa:{item}", "MFA device, if the intruder added it") for item in state.mfa]
    found += [(f"certificate:{item}", "signing certificate") for item in state.certificates]
    found += [(f"credential:{item}", "service-specific credential") for item in state.service_credentials]
    return tuple(found)


def _plan_console(state: PrincipalState, draft: Draft) -> Step:
    if cannot_act(state, draft, PrincipalAspect.CONSOLE):
        return draft.step(StepKind.CHANGE, reversible=False)
    if state.kind is not PrincipalKind.USER:
        draft.note("a role has no password, device or certificate of its own")
        return draft.step(StepKind.CHANGE, reversible=False)
    there = dict(_console_options(state))
    chosen = parts(draft.choices["remove"])
    named = names_in_iam(state)
    iam: Place = {"service": "iam", "region": state.region}
    for item in chosen:
        kind, _, identifier = item.partition(":")
        operation, key, why = _REMOVALS[kind]
        draft.ensure(
            f"{kind}-{short_id(identifier)}" if identifier else kind,
            operation,
            {**named, **({key: identifier} if key else {})},
            so_already=item not in there,
            why=why.format(name=state.name, id=identifier),
            **iam,
        )
        draft.changes.append(f"{item} of {state.name} is permanently deleted")
    if not chosen:
        draft.note("nothing was chosen" if there else "it has no password, device, certificate or service credential")
    draft.add_impact(
        f"the person who uses {state.name} cannot sign in until new ones are issued" if chosen else "nobody"
    )
    draft.prove("each one is deleted", "ListMFADevices", named, service="iam", region=state.region)
    return draft.step(StepKind.CHANGE, reversible=False)


CONSOLE: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.CONSOLE}),
    plan=_plan_console,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="remove",
            question="What is permanently deleted",
            options=_console_options,
            default=lambda state: "login-profile" if state.password else "",
            many=True,
        ),
    ),
    may=(
        "iam:DeleteLoginProfile",
        "iam:DeactivateMFADevice",
        "iam:DeleteSigningCertificate",
        "iam:DeleteServiceSpecificCredential",
    ),
)
