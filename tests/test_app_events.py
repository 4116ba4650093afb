"""Events in the app: their path, what is around them, traffic, checks, suppression, what stands behind them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from tests.app import app_on, looked, until, words
from tests.cases import CASES
from tests.conftest import Aws, Labs
from tests.test_engine import apply
from vpce_tui.aws.pacing import LIMITS
from vpce_tui.cloudtrail.event import parse
from vpce_tui.detection.pivot import Relation
from vpce_tui.tui.screens.event_list import EventScreen
from vpce_tui.tui.screens.event_targets import named_principals
from vpce_tui.tui.screens.playbook_list import PlaybooksScreen
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen
from vpce_tui.tui.widgets.dialogs import Ask
from vpce_tui.tui.widgets.table import Table

INTRUDER_EXIT = next(case for case in CASES if case.name == "contain-endpoint-foreign")


async def test_the_playbooks_for_what_stands_behind_an_event(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("p")
        await until(pilot, lambda: "revoke-credentials" in words(app))
        for name in ("terminate-instance", "contain-endpoint", "role/web-app"):
            assert name in words(app)
        assert "harden-account" in words(app)
        names = list(app.screen.rows)
        await pilot.press(*["j"] * names.index("revoke-credentials role/web-app"), "enter")
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None)
        assert "Identify the principal" in words(app)
        assert "trusts" in words(app)


async def test_the_list_of_playbooks_names_the_role_behind_a_machine_and_how_far_each_was_walked(
    aws: Aws, plan_text: str
) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, looked(app))
        app.open_playbooks([(aws.victim, "eu-west-1")])
        await until(pilot, lambda: "role/web-app" in words(app))
        assert "1 of " not in words(app), "no incident is open"
        await pilot.press("escape")
        app.work_in("case", lambda: None)
        app.open_playbooks([(aws.victim, "eu-west-1")])
        await until(pilot, lambda: "1 of " in words(app))


async def test_the_palette_opens_playbooks_on_a_name_that_is_typed(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        await pilot.press(":")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*"user/ci-backup")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1, "the command")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen), "its playbooks")
        assert "revoke-credentials user/ci-backup" in app.screen.rows  # type: ignore[attr-defined]


async def test_from_an_event_to_the_attack_path_to_a_playbook_in_six_keys(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        keys = ["enter", "tab", "p", "enter"]
        assert len(keys) <= 6
        await pilot.press(*keys[:2])
        said = words(app)
        for part in (
            aws.victim,
            "ASIALABSTOLEN0000001",
            "198.51.100.23",
            "vpce-svc-",
            "CreateUser",
            "user created",
            "allows inbound all traffic 0.0.0.0/0",
        ):
            assert part in said, part
        await pilot.press(*keys[2:])
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None, "a plan")
        assert app.screen.plan.target == INTRUDER_EXIT.target_in(aws)


async def test_every_line_of_the_path_leads_where_it_says_and_escape_comes_back(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter", "tab")
        screen = app.screen
        for number, node in enumerate(screen.path.nodes):
            screen.path.table.go_to(str(number))
            await pilot.press("enter")
            if node.instance or node.event or node.relation is not None:
                assert app.screen is not screen, node
                assert app.screen.crumbs().startswith("Events › event ")
                await pilot.press("escape")
            assert app.screen is screen


async def test_what_is_below_a_line_of_the_path_folds_and_comes_back(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter", "tab")
        table, whole = app.screen.path.table, len(app.screen.path.nodes)
        assert len(table.rows) == whole
        top = table.key
        await pilot.press("space")
        shown = [row.key for row in table.rows]
        assert shown[0] == top
        assert len(shown) < whole
        assert f"{whole - len(shown)} below" in table.rows[0].cells[0]
        await pilot.press("space")
        assert len(table.rows) == whole


async def test_around_an_event_the_same_key_address_and_machine_over_every_region(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("e")
        await until(pilot, lambda: "key 16" in words(app), "what the key did")
        assert "iam: CreateAccessKey" in words(app)
        assert "CreateVpcEndpoint | ▲▲ CRITICAL" in words(app), "what is judged shows its severity here, too"
        assert "us-east-1" in words(app)
        assert "back to" in words(app), "how complete it is"
        await pilot.press("tab", "tab")
        await pilot.pause()
        assert app.screen.relation.name == "address"
        assert "event history cannot be searched" in words(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.crumbs().count("›") == 2
        await pilot.press("escape", "escape")
        assert app.screen.crumbs().startswith("Events ─")


async def test_history_is_asked_for_more_of_what_was_not_asked(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        event = next(item.event for item in app.workspace.assessed if item.request.endpoint_id)
        app.open_around(event, Relation("key", "ASIALABCAROL00000001"))
        await until(pilot, lambda: "Looking" not in words(app), "what is known")
        before = len(app.screen.found())
        await pilot.press("M")
        await until(pilot, lambda: len(app.screen.found()) > before, "more events")
        assert "back to" in words(app)


async def test_flow_logs_are_asked_only_by_a_key_that_says_they_are_billed_and_then_judged(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        assert not [item for item in aws.handled() if item["operation"] == "StartQuery"]
        await pilot.press("enter", "f")
        await pilot.pause()
        assert "bills the data scanned" in words(app)
        assert not [item for item in aws.handled() if item["operation"] == "StartQuery"]
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.workspace.traffic) and not app.workspace.assessing, "an answer")
        await pilot.pause(0.2)
        assert app.screen.sheet.table.rows
        worst = app.workspace.assessed[0].assessment
        assert "VPCE-25" in {signal.id for signal in worst.signals}
        app.open_traffic(aws.victim, "eu-west-1")
        await until(pilot, lambda: app.screen.laid_out, "its traffic")
        await pilot.press("enter")
        await until(pilot, lambda: aws.victim in app.workspace.traffic and not app.workspace.assessing, "an answer")
        victim = next(item for item in app.workspace.instances if item.instance.id == aws.victim)
        assert {"INST-13", "INST-14"} <= {signal.id for signal in victim.assessment.signals}


async def test_awss_own_check_is_asked_only_after_its_cost_was_shown(aws: Aws) -> None:
    def asked() -> list[str]:
        return [item["operation"] for item in aws.handled() if item["service"] == "accessanalyzer"]

    app = app_on(aws, target=aws.facts["event_s3"], read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "the event")
        await until(pilot, looked(app))
        await pilot.press("l")
        await until(pilot, lambda: "USD 0.002" in words(app), "the cost")
        await pilot.press("l", "l", "l")
        await pilot.pause()
        assert asked() == [], "the key that opens it does not buy"
        await pilot.press("enter")
        await until(pilot, lambda: "yes, possibly" in words(app), "the answer")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert asked() == ["ValidatePolicy", "CheckAccessNotGranted"], "and nothing is bought twice"
        await pilot.press("escape")
        assert isinstance(app.screen, EventScreen)


async def test_an_event_is_suppressed_with_a_reason_and_stays_in_the_list(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        shown = len(app.screen.query_one("#rows", Table).rows)
        marked = app.screen.query_one("#rows", Table).key
        await pilot.press("x", *"a test", "enter", "enter")
        await until(pilot, lambda: not app.workspace.assessing and "1 suppressed" in app.screen.crumbs(), "the mark")
        assert len(app.screen.query_one("#rows", Table).rows) == shown
        assert "SUPPRESSED" in words(app)
        assert marked in app.workspace.context_file.read_text()
    assert aws.writes() == []


async def test_a_suppression_is_removed_and_the_event_counts_again(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        first = app.screen.query_one("#rows", Table).key

        def said() -> str:
            return next(item.assessment.suppressed for item in app.workspace.assessed if item.event.id == first)

        await pilot.press("x", *"a test", "enter", "enter")
        await until(pilot, lambda: bool(said()) and not app.workspace.assessing, "the mark")
        assert app.screen.query_one("#rows", Table).go_to(first)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert "a test" in words(app)
        await pilot.press(*"no test", "enter")
        await until(pilot, lambda: not said() and not app.workspace.assessing, "taken back")
        text = app.workspace.context_file.read_text()
        assert "a test" in text
        assert "removed: no test" in text


async def test_a_filter_finds_what_the_reasons_and_the_record_name(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        table = app.screen.query_one("#rows", Table)
        for words_, found in (
            ("kali", 6),
            (aws.facts["endpoint_ids"]["intruder_exit"], 1),
            ("vpce-24", 6),
            ("vpce-02", 3),
            ("198.51.100.23", 6),
        ):
            await pilot.press("slash", *words_, "enter")
            assert len(table.rows) == found, words_
            await pilot.press("escape")


async def test_the_event_of_another_kind_says_what_it_means_and_whom_it_made(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        made = next(
            event
            for event in app.workspace.assessment_inputs().past.ordered
            if event.name == "CreateUser" and not event.error_code
        )
        app.open_known_event(made)
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "the event")
        assert "not assessed" in words(app)
        assert "user created: " in words(app)
        assert "no rule has anything against it" not in words(app)


async def test_in_read_only_nothing_is_marked(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws, read_only=True)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("x", *"a test", "enter")
        await pilot.pause()
        assert not app.workspace.context_file.exists()


async def test_the_three_faults_of_the_guidance_have_their_sections(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 60)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter")
        await pilot.pause()
        assert "who can reach it: bad: Its security group allows 0.0.0.0/0 on more than port 443" in words(app)
        assert "encryption of its traffic: bad (low): Nothing enforces encryption" in words(app)


async def test_a_search_of_history_is_stopped_by_escape_and_what_it_did_not_tell_is_unknown(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = labs.new()
    monkeypatch.setitem(LIMITS, ("cloudtrail", "LookupEvents"), 2.0)
    app = app_on(aws, live=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.workspace.history_coverage.running, "history is being asked")
        assert "history " in words(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.workspace.looked_back and not app.workspace.assessing, "it ends")
        assert app.workspace.history_coverage.missing
        assert app.workspace.assessed[0].assessment.unknown


async def test_from_an_instance_one_goes_on_to_its_role_its_endpoints_and_its_neighbours(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.open_instance(aws.victim)
        await until(pilot, lambda: app.screen.laid_out, "the instance")
        await pilot.press("e")
        await until(pilot, lambda: bool(getattr(app.screen, "_held", None)), "its events")
        names = [relation.name for relation in app.screen.relations]
        assert names[:3] == ["instance", "principal", "VPC"]
        assert "endpoint" in names
        assert names.count("instance") > 1, "its neighbours"
        assert app.screen.relation.value == aws.victim
        await pilot.press("tab")
        assert app.screen.relation.value.endswith(":role/web-app")
        assert len(app.screen.found()) > 5
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "one of them")


@pytest.mark.parametrize(
    ("own", "said"),
    [((), "role opened to account 222222222222"), (("222222222222",), "trust policy of a role changed")],
)
async def test_the_page_of_an_event_knows_what_is_ours(aws: Aws, own: tuple[str, ...], said: str) -> None:
    from tests.rules import allow, other, policy

    document = policy(allow(Principal={"AWS": "222222222222"}, Action="sts:AssumeRole"))
    opened = other("UpdateAssumeRolePolicy", "iam", requestParameters={"roleName": "r", "policyDocument": document})
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        zone = app.workspace.snapshot.trust_zone
        app.workspace.snapshot = replace(
            app.workspace.snapshot, trust_zone=replace(zone, accounts=zone.accounts | {*own})
        )
        app.workspace._known_now = None
        app.open_known_event(opened)
        await until(pilot, lambda: app.screen.laid_out, "the event")
        assert said in words(app)


async def test_what_a_call_created_has_its_playbooks(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        created = next(item for item in app.workspace.snapshot.related.values() if item.name == "CreateUser")
        app.push_screen(EventScreen(app.workspace.assessment_of(created)))
        await until(pilot, lambda: isinstance(app.screen, EventScreen) and app.screen.laid_out, "the event")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen), "the playbooks")
        assert "revoke-credentials | user/ci-backup" in words(app)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["user/ci-backup"]),
        ({"requestParameters": {"roleName": "web", "userName": 7}}, ["user/7", "role/web"]),
        ({"errorCode": "AccessDenied"}, []),
        ({"recipientAccountId": "999999999999"}, []),
        ({"eventSource": "ec2.amazonaws.com"}, []),
        ({"requestParameters": {"userName": "x\x1b[2J"}}, []),
        ({"requestParameters": {"userName": ["a"]}}, []),
        ({"requestParameters": "user"}, []),
    ],
    ids=str,
)
def test_whom_an_iam_call_is_about(changes: dict[str, Any], expected: list[str]) -> None:
    record = {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "recipientAccountId": "123456789012",
        "requestParameters": {"userName": "ci-backup"},
        **changes,
    }
    assert named_principals(parse(record), "123456789012") == expected


async def test_without_a_reason_nothing_is_suppressed(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("x", "enter")
        assert isinstance(app.screen, Ask), "it is asked until there is one"
        assert "a reason is needed; nothing was done" in words(app)
