"""What is wrong in the account, region by region: the table that the other steps start from."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from vpce_tui.blocks.model import BlockColumn, BlockRow, Cell, ColumnKind, TableBlock, column
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Answers, Choice, Options, parts, read_back, unchanged
from vpce_tui.plans.actions.relaunch.new_security_group import too_wide
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.account import REGIONS, AccountAspect, AccountInstance, AccountState
from vpce_tui.plans.targets.ebs_volumes import REPLACED

OVERVIEW: Final = "account-overview"
OLD_DAYS: Final = 90
"""Days after which an AMI counts as old."""


def read_options(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """In which regions to look: the answer of the step that shows what is open."""
    return {REGIONS: parts(choices.get("regions") or others.get(OVERVIEW, {}).get("regions", ""))}


def read_options_in_scope(_: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """As :func:`look`, for steps whose own answers name no regions to look in."""
    return {REGIONS: parts(others.get(OVERVIEW, {}).get("regions", ""))}


def gaps(state: AccountState, draft: Draft, what: str) -> None:
    """Say what could not be looked at."""
    draft.warn(*(f"not checked: {name}: {why}" for name, why in sorted(state.gaps.items()) if name.startswith(what)))


def _region_options(state: AccountState) -> Options:
    return tuple((name, name) for name in state.regions)


def _plan_overview(state: AccountState, draft: Draft) -> Step:
    regions = parts(draft.choices["regions"]) or state.regions
    for region in state.regions:
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
        region=state.region,
        optional=True,
    )
    _open(state, draft)
    draft.note_unread(state.unknown)
    draft.warn(*(f"not checked: {name}: {why}" for name, why in sorted(state.gaps.items())))
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


_COLUMNS: Final = (
    column("REGION"),
    column("FINDINGS", ColumnKind.COUNT, "everything that is counted in this row, and each setting that is off"),
    column("AMIS", ColumnKind.COUNT, "instances whose AMI is outdated"),
    column("RULES", ColumnKind.COUNT, "security group rules that are too wide"),
    column("VOLUMES", ColumnKind.COUNT, "EBS volumes without encryption"),
    column("VPCS", ColumnKind.COUNT, "VPCs whose traffic no flow log records"),
    column("ENCRYPTED", ColumnKind.YES_NO, "whether new EBS volumes are encrypted by default"),
    column("CONFIG", ColumnKind.YES_NO, "whether AWS Config records"),
)


def _open(state: AccountState, draft: Draft) -> None:
    """What is one for the whole account, then a row for each region, most findings first."""
    if state.trails is not None:
        good = [trail.name for trail in state.trails.trails if trail.good]
        said = "a trail records every region and can be validated"
        if good:
            draft.note(f"{said}: {', '.join(good)}")
        else:
            draft.warn(f"no {said.removeprefix('a ')}")
    kept = [volume.id for volume in state.volumes.volumes if REPLACED in volume.tags] if state.volumes else []
    if kept:
        draft.note(f"{many(len(kept), 'old volume')} kept after replacement by an encrypted one: not counted")
    rows, behind = [], {}
    for region in state.regions:
        cells = _cells(state, region)
        for name, found in cells.items():
            if found is not None and found.rows:
                behind[f"{region}/{name}"] = found
        counts = [None if found is None else len(found.rows) for found in cells.values()]
        behind[f"{region}/FINDINGS"] = behind[f"{region}/REGION"] = _every_finding(region, cells)
        default = None if state.encrypted is None else state.encrypted.get(region)
        recorder = state.config.recorders.get(region) if state.config else None
        settings = (default, None if recorder is None else recorder.recording)
        findings = sum(count or 0 for count in counts) + sum(setting is False for setting in settings)
        rows.append(BlockRow(id=region, cells=(region, findings, *counts, *settings), worst=findings > 0))
    rows.sort(key=lambda row: -int(row.cells[1] or 0))
    draft.show(TableBlock(title="findings by region", columns=_COLUMNS, rows=tuple(rows), behind=behind))
    if state.trails is not None:
        draft.warn(*(f"trail changes: {stop}" for stop in state.trails.stops))


def _cells(state: AccountState, region: str) -> dict[str, TableBlock | None]:
    """What each cell of a region's row counts; None: it could not be looked at."""
    volumes = None if state.volumes is None else [item for item in state.volumes.volumes if REPLACED not in item.tags]
    return {
        "AMIS": _behind(
            f"outdated AMIs in {region}",
            (column("INSTANCE"), column("NAME"), column("AMI"), column("WHY"), column("NEWEST OF ITS FAMILY")),
            state.instances,
            lambda item: item.instance.region == region and bool(outdated(item)),
            lambda item: (
                item.instance.id,
                item.instance.name,
                item.instance.image_id,
                outdated(item),
                item.newest.id if item.newest is not None else None,
            ),
        ),
        "RULES": _behind(
            f"rules that are too wide in {region}",
            (column("RULE"), column("GROUP"), column("GROUP ID"), column("ALLOWS"), column("WHY")),
            state.rules,
            lambda item: item.region == region and bool(too_wide(item.rule)),
            lambda item: (item.rule.id, item.group_name, item.rule.group, item.rule.says, too_wide(item.rule)),
        ),
        "VOLUMES": _behind(
            f"volumes without encryption in {region}",
            (column("VOLUME"), column("GIB", ColumnKind.COUNT), column("INSTANCE"), column("DEVICE")),
            volumes,
            lambda item: item.region == region,
            lambda item: (item.id, item.size_gib, item.instance, item.device),
        ),
        "VPCS": _behind(
            f"VPCs without flow logs in {region}",
            (column("VPC"), column("NAME"), column("INTERFACES", ColumnKind.COUNT)),
            state.vpcs,
            lambda item: item.region == region and unlogged(state, item.region, item.id),
            lambda item: (item.id, item.name, item.interfaces),
        ),
    }


def _every_finding(region: str, cells: Mapping[str, TableBlock | None]) -> TableBlock:
    rows = [
        (name.removesuffix("S"), str(row.cells[0]), "; ".join(str(cell) for cell in row.cells[1:] if cell))
        for name, found in cells.items()
        for row in (found.rows if found is not None else ())
    ]
    return TableBlock(
        title=f"findings in {region}",
        columns=(column("KIND"), column("ID"), column("WHAT")),
        rows=tuple(BlockRow(id=str(number), cells=row) for number, row in enumerate(rows)),
    )


T = TypeVar("T")


def _behind(
    title: str,
    columns: tuple[BlockColumn, ...],
    things: Iterable[T] | None,
    wanted: Callable[[T], bool],
    cells: Callable[[T], tuple[Cell, ...]],
) -> TableBlock | None:
    if things is None:
        return None
    rows = (BlockRow(id=f"{number}", cells=cells(item)) for number, item in enumerate(filter(wanted, things)))
    return TableBlock(title=title, columns=columns, rows=tuple(rows))


def unlogged(state: AccountState, region: str, vpc: str) -> bool:
    """Whether nothing good records the traffic of a VPC."""
    logging = state.logging.get(region)
    return logging is not None and logging.covers(vpc) is None


def outdated(instance: AccountInstance) -> str:
    """Why an instance's AMI is outdated; ``""``: it is not, or that cannot be determined."""
    image, newest = instance.image, instance.newest
    if image is None:
        return "its AMI is deregistered or not visible"
    if instance.deprecated:
        return "its AMI is deprecated"
    if instance.ended:
        return f"its family has had no security updates since {instance.ended}"
    newer = (
        newest is not None
        and newest.id != image.id
        and bool(newest.created and image.created and newest.created > image.created)
    )
    if newer and (instance.age_days or 0) > OLD_DAYS:
        return f"its AMI is {instance.age_days} days old, and there is a newer one"
    return ""


ACCOUNT_OVERVIEW: Final[Action[AccountState]] = Action(
    aspects=frozenset(
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
    verify=read_back,
    choices=(Choice("regions", "In which regions (empty: in every enabled region)", _region_options, many=True),),
    read_options=read_options,
    may=(
        "ec2:GetEbsEncryptionByDefault",
        "ec2:DescribeVolumes",
        "ec2:DescribeFlowLogs",
        "config:DescribeConfigurationRecorderStatus",
        "cloudtrail:DescribeTrails",
    ),
)


# -- AMIs


def _plan_images(state: AccountState, draft: Draft) -> Step:
    for region in sorted({instance.instance.region for instance in state.instances or ()}):
        draft.read(
            f"instances-{region}", "DescribeInstances", {}, f"{region}: its instances", optional=True, region=region
        )
    old = [instance for instance in state.instances or () if outdated(instance)]
    new = [instance.instance.id for instance in state.instances or () if not outdated(instance)]
    draft.note(*(_judged(instance) for instance in old))
    if new:
        draft.note(
            f"{many(len(new), 'instance has', 'instances have')} no outdated AMI, as far as is known: {', '.join(new)}"
        )
    if old:
        draft.note("to replace one: vpce-tui plan relaunch-instance i-…, or its playbooks in the instance list")
    elif state.instances is not None and not new:
        draft.note("there is no instance")
    draft.note_unread(state.unknown)
    gaps(state, draft, "instances")
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _judged(found_instance: AccountInstance) -> str:
    instance, newest = found_instance.instance, found_instance.newest
    to = (
        f"; newest of its family: {newest.id} {newest.name}"
        if newest is not None
        else "; no newer one of its family is known"
    )
    return (
        f"{instance.region} {instance.id} {instance.name}: {outdated(found_instance)}; it runs {instance.image_id}{to}"
    )


ACCOUNT_AMIS: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.INSTANCES}),
    plan=_plan_images,
    expect=unchanged,
    verify=read_back,
    read_options=read_options_in_scope,
    may=("ec2:DescribeInstances",),
)
