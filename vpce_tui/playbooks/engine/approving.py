"""Whether as many people stand behind a run, or an undo, as the team wants for what cannot be undone."""

from vpce_tui import keychain
from vpce_tui.incident.approval import Approved, Runner, Use, lacking, public_key
from vpce_tui.incident.journal import Kind as RowKind
from vpce_tui.inventory.dossiers.common import iam_region
from vpce_tui.playbooks.engine.work import Work
from vpce_tui.playbooks.outcome import Ended, Outcome
from vpce_tui.trail.person import behind


def not_approved(work: Work, key: str, *, final: bool, undo: bool = False) -> Outcome | None:
    """Why the run of the step ``key`` is refused; None: enough people approved it, which the journal has then."""
    if not final or work.team.approvals <= 1:
        return None
    record = work.record()
    counted: list[Approved] = []
    use = Use(record.id, work.aws_now(), frozenset(record.step(key).spent))
    runner = _runner(work)
    alone = lacking(work.plan, runner, work.team, work.approvals, use, counted.append)
    if alone:
        return Outcome(Ended.REFUSED, alone)
    for approved in counted:
        about = {
            "step": key,
            "plan": work.plan.sha256,
            "approval": approved.id,
            "by": approved.arn,
            "person": approved.person.to_json(),
        }
        work.journal.append(
            RowKind.APPROVED,
            {
                **about,
                "until": approved.body["until"],
                "runner": runner.person.to_json(),
                "undo": undo,
                "how": "vpce-tui approve",
            },
        )
    return None


def _runner(work: Work) -> Runner:
    home = work.caller.home_region
    person = behind(work.caller, (home, iam_region(home)))
    try:
        private = keychain.get(keychain.APPROVER_KEY)
    except keychain.NoKeyring:
        private = ""
    return Runner(person, public_key(private) if private else "")
