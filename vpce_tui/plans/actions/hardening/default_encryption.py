"""New volumes are encrypted: EBS encryption by default, region by region.

(AWS: "Enable Amazon EBS encryption by default".)
"""

from typing import Final

from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.hardening.overview import gaps, read_options_in_scope
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.account import AccountAspect, AccountState


def _default_options(state: AccountState) -> Options:
    return tuple((region, "now off" if not on else "on already") for region, on in (state.encrypted or {}).items())


def _plan_default(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.ENCRYPTION)
    if not parts(draft.choices["in"]):
        draft.note_first("no region is chosen")
    for region in parts(draft.choices["in"]):
        on = (state.encrypted or {}).get(region)
        if on is None:
            draft.block(
                f"whether {region} encrypts new volumes could not be read",
                "deselect the region in its prompts, or grant read access",
            )
            continue
        call = f"on-{region}"
        draft.ensure(
            call,
            "EnableEbsEncryptionByDefault",
            {},
            so_already=on,
            why=f"{region}: new volumes are encrypted",
            region=region,
        )
        draft.add_inverse(
            f"undo-{call}",
            "DisableEbsEncryptionByDefault",
            {},
            undoes=(call,),
            why=f"{region}: new volumes are encrypted only on request",
            region=region,
        )
        if not on:
            draft.changes.append(f"{region}: every new volume and snapshot copy is encrypted")
    draft.add_impact("whoever creates volumes there from now on; existing volumes are not changed")
    draft.note(
        "whoever shares snapshots with other accounts needs a customer managed key: snapshots encrypted with the AWS managed key cannot be shared"
    )
    gaps(state, draft, "encryption by default")
    draft.prove("EBS encryption by default is on in each region")
    return draft.step(StepKind.CHANGE)


ENCRYPTION_BY_DEFAULT: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.ENCRYPTION}),
    plan=_plan_default,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="in",
            question="In which regions new volumes are encrypted",
            options=_default_options,
            many=True,
        ),
    ),
    read_options=read_options_in_scope,
    may=("ec2:EnableEbsEncryptionByDefault", "ec2:DisableEbsEncryptionByDefault"),
    taken_back_by=("ec2:DisableEbsEncryptionByDefault",),
)
