"""A process that has loaded the command line and forks it: each command is a real process, and so is each kill.

See :mod:`tests.forking`. ``{"argv": […], "env": {…}, "kill_at": N, "out": path}`` forks a process that runs the command line, killed
with SIGKILL right after journal row N is on disk, and answers how it ended. ``kill_new``: killed at the first row whose boundary
(kind, step, call) is not in this list; what it was stands in ``out``.
"""

import os
import signal
import sys

from tests.forking import answer_lines, child, serve_forks
from tests.warm import warm_clients


def boundary(row: object) -> str:
    """What a row is about, the same in every run: its kind, its step, its calls."""
    data = row.content.data()  # type: ignore[attr-defined]
    calls = ",".join(call["id"] for call in data.get("calls", ())) or data.get("call") or data.get("evidence") or ""
    what = next((name for name in ("probe", "verification", "found", "undo", "decision") if data.get(name)), "")
    return f"{row.kind} {data.get('step', '')} {calls} {what}".strip()  # type: ignore[attr-defined]


def run(asked: dict) -> None:
    from vpce_tui.cli import main
    from vpce_tui.incident.journal import Journal

    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(out, descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    kill_at, passed = asked.get("kill_at"), asked.get("kill_new")
    if kill_at or passed:
        written = Journal.append
        known = set(passed or ())

        def append(self: Journal, content: object) -> object:
            row = written(self, content)  # type: ignore[arg-type]
            if row.seq == kill_at or (passed is not None and boundary(row) not in known):
                os.write(out, f"killed at: {boundary(row)}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            return row

        Journal.append = append  # type: ignore[method-assign,assignment]
    try:
        code = main.main(asked["argv"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def fork_run(asked: dict) -> dict:
    pid = os.fork()
    if pid == 0:
        child(lambda: run(asked))
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    return {"killed": killed, "code": None if killed else os.WEXITSTATUS(status)}


def main() -> None:
    import jmespath  # noqa: F401 - loaded before the forks

    from vpce_tui.aws.pacing import LIMITS
    from vpce_tui.cli.commands import incident, playbook, search  # noqa: F401
    from vpce_tui.engine import playbook_session  # noqa: F401
    from vpce_tui.engine.outcome import WaitPolicy

    # The lab is consistent at once: nothing is gained by waiting as for AWS. What AWS allows is tested where pacing is.
    waits = (0.05,) * 60
    playbook.wait_policy = lambda _: WaitPolicy(
        call_outcome=(0.05,), under_way=0.0, verification=waits, condition=waits
    )
    LIMITS["cloudtrail", "LookupEvents"] = 500.0
    warm_clients()
    serve_forks(int(sys.argv[1]), lambda connection: answer_lines(connection, {}, fork_run))


if __name__ == "__main__":
    main()
