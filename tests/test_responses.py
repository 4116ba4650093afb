"""What this tool did about an intrusion: it is no sign of one, and the lists say what was done."""

import json

from tests.app import app_on, looked, until, words
from tests.cases import apply, planned
from tests.conftest import Aws
from tests.relaunch import CASE, launched
from tests.test_engine import apply as apply_plan
from vpce_tui.tui.screens.event_page import what_to_do


def test_what_the_response_did_is_no_sign_of_an_intrusion(aws: Aws) -> None:
    planned(aws, CASE)
    code, said = apply(aws, CASE)
    assert code == 0, said
    _, said = aws.run("instances", "--json", "--lookback", "24h")
    found = {
        item["instanceId"]: item
        for line in said.splitlines()
        if line.startswith('{"instanceId"') and (item := json.loads(line))
    }
    new = found[launched(aws)["InstanceId"]]
    calls = {fact["what"] for signal in new["signals"] for fact in signal["evidence"] if fact["source"] == "history"}
    assert new["status"] != "compromised", new["signals"]
    assert calls == set()
    assert found[aws.victim]["status"] == "compromised"


async def test_what_was_done_about_an_instance_replaces_the_advice(aws: Aws, plan_text: str) -> None:
    assert apply_plan(aws, plan_text, "--step", "protect")[0] == 0
    said = f"{aws.victim}: terminate-instance in case: 1 of 9 steps done (p)"
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        item = next(item for item in app.workspace.assessed if item.event.principal.instance_id == aws.victim)
        before = what_to_do(item, app.workspace, app.keymap)
        assert [label for label, _ in before] == ["do"]
        assert f"the instance {aws.victim}" in before[0][1]
        app.work_in("case", lambda: None)
        after = what_to_do(item, app.workspace, app.keymap)
        assert ("done", said) in after
        assert not any(aws.victim in text for label, text in after if label == "do")
        await pilot.press("2")
        await until(pilot, lambda: f"done: {said}" in words(app).replace("\n      ", " "), "what was done, in the list")
        await pilot.press("enter")
        await until(pilot, lambda: said in " ".join(words(app).split()), "what was done, on the page")
        app.leave_incident()
