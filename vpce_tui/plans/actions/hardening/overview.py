"""What is wrong in the account, region by region: the table that the other steps start from."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Answers, Choice, Options, parts, read_back, unchanged
from vpce_tui.plans.actions.relaunch.access import too_wide
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.account import REGIONS, AccountAspect, AccountInstance, AccountState
from vpce_tui.plans.targets.ebs_volumes import REPLACED

OVERVIEW: Final = "account-overview"
OLD_DAYS: Final = 90
"""Days after which an AMI counts as old."""


def look(choices: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    """In which regions to look: the answer of the step that shows what is open."""
    return {REGIONS: parts(choices.get("regions") or others.get(OVERVIEW, {}).get("regions", ""))}


def look_in_scope(_: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    """As :func:`look`, for steps whose own answers name no regions to look in."""
    return {REGIONS: parts(others.get(OVERVIEW, {}).get("regions", ""))}


def gaps(world: AccountState, draft: Draft, what: str) -> None:
    """Say what could not be looked at."""
    draft.notes += [f"not checked: {name}: {why}" for name, why in sorted(world.gaps.items()) if name.startswith(what)]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines of even columns."""
    every = [head, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(head))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]


def _region_options(world: AccountState) -> Options:
    return tuple((name, name) for name in world.regions)


def _plan_overview(world: AccountState, draft: Draft) -> Step:
    regions = parts(draft.choices["regions"]) or world.regions
    for region in world.regions:
        if region not in regions:
            continue
        draft.read(
            f"encryption-{region}",
            "GetEbsEncryptionByDefault",
            {},
            f"{region}: encryption by default",
            optional=True,
            region=region,
        )
        plain = {"Filters": [{"Name": "encrypted", "Values": ["false"]}]}
        draft.read(
            f"volumes-{region}",
            "DescribeVolumes",
            plain,
            f"{region}: volumes without encryption",
            optional=True,
            region=region,
        )
        draft.read(f"flow-logs-{region}", "DescribeFlowLogs", {}, f"{region}: flow logs", optional=True, region=region)
        draft.read(
            f"config-{region}",
            "DescribeConfigurationRecorderStatus",
            {},
            f"{region}: AWS Config",
            optional=True,
            service="config",
            region=region,
        )
    draft.read(
        "trails",
        "DescribeTrails",
        {"includeShadowTrails": True},
        "every trail",
        service="cloudtrail",
        region=world.region,
        optional=True,
    )
    draft.notes += _open(world)
    draft.notes += [f"the {facet} could not be read: {why}" for facet, why in world.unknown.items()]
    draft.notes += [f"not checked: {name}: {why}" for name, why in sorted(world.gaps.items())]
    draft.prove("every answer is kept as evidence")
    return draft.step(StepKind.READ)


def _open(world: AccountState) -> list[str]:
    """Counts by region, then what is one for the whole account."""
    columns: list[tuple[str, Callable[[str], int | None]]] = [
        ("AMIs", lambda r: _count(world.instances, lambda m: m.instance.region == r and bool(outdated(m)))),
        ("rules", lambda r: _count(world.rules, lambda w: w.region == r and bool(too_wide(w.rule)))),
        (
            "volumes",
            lambda r: _count(
                world.volumes.volumes if world.volumes else None, lambda v: v.region == r and REPLACED not in v.tags
            ),
        ),
        ("VPCs", lambda r: _count(world.vpcs, lambda v: v.region == r and unlogged(world, v.region, v.id))),
    ]
    rows = []
    for region in world.regions:
        counts = [count(region) for _, count in columns]
        default = None if world.encrypted is None else world.encrypted.get(region)
        recorder = world.config.recorders.get(region) if world.config else None
        words = [
            "?" if default is None else "yes" if default else "NO",
            "?" if recorder is None else "yes" if recorder.recording else "NO",
        ]
        rows.append((region, *("?" if count is None else str(count) for count in counts), *words))
    head = ("region", *(name for name, _ in columns), "default", "Config")
    said: list[str] = []
    if world.trails is not None:
        good = [trail.name for trail in world.trails.trails if trail.good]
        said.append(f"trail of every region that records and can be checked: {', '.join(good) or 'NONE'}")
    kept = _count(world.volumes.volumes if world.volumes else (), lambda volume: REPLACED in volume.tags)
    if kept:
        said.append(f"{many(kept, 'old volume')} kept after replacement by an encrypted one: not counted below")
    said += [
        "by region: outdated AMIs, rules that are too wide, volumes without encryption, VPCs without flow logs; are new volumes "
        "encrypted by default, does AWS Config record",
        *table(head, rows),
    ]
    if world.trails is not None:
        said += [f"lately: {stop}" for stop in world.trails.stops]
    return said


def _count(things: Iterable[Any] | None, wanted: Callable[[Any], bool]) -> int | None:
    return None if things is None else sum(1 for item in things if wanted(item))


def unlogged(world: AccountState, region: str, vpc: str) -> bool:
    """Whether nothing good records the traffic of a VPC."""
    logging = world.logging.get(region)
    return logging is not None and logging.covers(vpc) is None


def outdated(machine: AccountInstance) -> str:
    """Why an instance's AMI is outdated; ``""``: it is not, as far as can be told."""
    image, newest = machine.image, machine.newest
    if image is None:
        return "its AMI is deregistered or not visible"
    if machine.deprecated:
        return "its AMI is deprecated"
    if machine.ended:
        return f"its family has no security updates since {machine.ended}"
    newer = (
        newest is not None
        and newest.id != image.id
        and bool(newest.created and image.created and newest.created > image.created)
    )
    if newer and (machine.age_days or 0) > OLD_DAYS:
        return f"its AMI is {machine.age_days} days old, and there is a newer one"
    return ""


ACCOUNT_OVERVIEW: Final = Action(
    facets=frozenset(
        {
            AccountAspect.INSTANCES,
            AccountAspect.RULES,
            AccountAspect.ENCRYPTION,
            AccountAspect.VOLUMES,
            AccountAspect.FLOW_LOGS,
            AccountAspect.CONFIG,
            AccountAspect.TRAILS,
        }
    ),
    plan=_plan_overview,
    expect=unchanged,
    settled=read_back,
    choices=(Choice("regions", "In which regions (nothing: in every enabled one)", _region_options, many=True),),
    look=look,
    target="account",
    may=(
        "ec2:GetEbsEncryptionByDefault",
        "ec2:DescribeVolumes",
        "ec2:DescribeFlowLogs",
        "config:DescribeConfigurationRecorderStatus",
        "cloudtrail:DescribeTrails",
    ),
)


# -- AMIs


def _plan_images(world: AccountState, draft: Draft) -> Step:
    for region in sorted({machine.instance.region for machine in world.instances or ()}):
        draft.read(
            f"instances-{region}", "DescribeInstances", {}, f"{region}: its instances", optional=True, region=region
        )
    old = [machine for machine in world.instances or () if outdated(machine)]
    new = [machine.instance.id for machine in world.instances or () if not outdated(machine)]
    draft.notes += [_judged(machine) for machine in old]
    if new:
        draft.notes.append(
            f"{many(len(new), 'instance runs', 'instances run')} nothing outdated, as far as is known: {', '.join(new)}"
        )
    if old:
        draft.notes.append("to replace one: vpce-tui plan relaunch-instance i-…, or press p on it in the instance list")
    elif world.instances is not None and not new:
        draft.notes.append("there is no instance")
    draft.notes += [f"the {facet} could not be read: {why}" for facet, why in world.unknown.items()]
    gaps(world, draft, "instances")
    draft.prove("every answer is kept as evidence")
    return draft.step(StepKind.READ)


def _judged(machine: AccountInstance) -> str:
    instance, newest = machine.instance, machine.newest
    to = (
        f"; newest of its family: {newest.id} {newest.name}"
        if newest is not None
        else "; no newer one of its family is known"
    )
    return f"{instance.region} {instance.id} {instance.name}: {outdated(machine)}; it runs {instance.image_id}{to}"


ACCOUNT_IMAGES: Final = Action(
    facets=frozenset({AccountAspect.INSTANCES}),
    plan=_plan_images,
    expect=unchanged,
    settled=read_back,
    look=look_in_scope,
    target="account",
    may=("ec2:DescribeInstances",),
)
