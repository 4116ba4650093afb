"""A process that has built the lab once and forks: each test gets a fresh AWS in milliseconds, each kill a real process.

Takes a listening socket's descriptor, and ends with its standard input. Of each connection it reads one JSON object a
line: ``{"lab": {"faults": […]}}`` forks a lab that serves (answers its port and pid);
``{"run": {"argv": […], "env": {…}, "kill_at": N, "out": path}}`` forks a process that runs the command line, killed with
SIGKILL right after journal row N is on disk, and answers how it ended. ``kill_new``: killed at the first row whose
boundary (kind, step, call) is not in this list; what it was stands in ``out``.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress

from tests.state import state
from tests.warm import warm_clients
from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.layers.corrections import REGIONS
from vpce_tui.lab.layers.faults import parse_fault
from vpce_tui.lab.server import Lab


class OpenLab(Lab):
    """A lab that shows its whole state at ``/_lab/state?REGION``, and how often each fault is still due at ``/_lab/faults``."""

    def build(self) -> "OpenLab":
        super().build()
        self._clients = InProcess(self.backend, self.operator.key_id)
        for region in ("eu-west-1", "us-east-1"):
            self.state(region)  # its clients are made before the forks
        return self

    def state(self, region: str) -> dict:
        return state(self._clients.client, str(self.facts["victim"]), region)

    def __call__(self, environ: dict, start: object) -> list[bytes]:
        shown = {
            "/_lab/state": lambda: self.state(environ["QUERY_STRING"]),
            "/_lab/faults": lambda: [fault.left for fault in self.faults.faults],
        }.get(environ["PATH_INFO"])
        if shown is None:
            return super().__call__(environ, start)
        body = json.dumps(shown()).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def serve(lab: Lab, asked: dict, answer: int) -> None:
    if asked.get("hostile"):
        from vpce_tui.lab.layers import faults

        plain = faults.error
        faults.error = lambda start, request, status, code, message: plain(
            start, request, status, code, message + asked["hostile"]
        )
    lab.inject([parse_fault(text) for text in asked.get("faults", ())])
    lab.serve()
    os.write(answer, json.dumps({"url": lab.url, "pid": os.getpid()}).encode() + b"\n")
    os.close(answer)
    signal.pause()


def boundary(row: object) -> str:
    """What a row is about, the same in every run: its kind, its step, its calls."""
    data = row.content.data()  # type: ignore[attr-defined]
    calls = ",".join(call["id"] for call in data.get("calls", ())) or data.get("call") or data.get("evidence") or ""
    what = next((name for name in ("probe", "verification", "found", "undo", "decision") if data.get(name)), "")
    return f"{row.kind} {data.get('step', '')} {calls} {what}".strip()  # type: ignore[attr-defined]


def run(asked: dict) -> None:
    from vpce_tui.cli import main
    from vpce_tui.cli.commands import playbook
    from vpce_tui.engine.outcome import WaitPolicy
    from vpce_tui.incident.journal import Journal

    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(out, descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    # The lab is consistent at once: nothing is gained by waiting as for AWS.
    waits = (0.05,) * 60
    playbook.wait_policy = lambda _: WaitPolicy(
        call_outcome=(0.05,), under_way=0.0, verification=waits, condition=waits
    )
    from vpce_tui.aws.pacing import LIMITS

    LIMITS["cloudtrail", "LookupEvents"] = 500.0  # what AWS allows is tested where pacing is
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


def child(work: object) -> None:
    gc.disable()  # it lives for seconds
    try:
        work()  # type: ignore[operator]
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def main() -> None:
    import jmespath  # noqa: F401 - warmed before the forks

    from vpce_tui.cli.commands import incident, playbook, search  # noqa: F401
    from vpce_tui.engine import playbook_session  # noqa: F401

    warm_clients()
    lab = OpenLab(seed=7).build()
    warm(lab)
    facts = {key: value for key, value in lab.facts.items() if key != "endpoints"}
    facts["endpoint_ids"] = {name: item["made"]["VpcEndpointId"] for name, item in lab.facts["endpoints"].items()}
    keys = [lab.operator.key_id, lab.operator.secret, lab.operator.token]
    profiles = {name: [held.key_id, held.secret, held.token] for name, held in lab.profiles.items()}
    first = json.dumps({"facts": facts, "keys": keys, "profiles": profiles})
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, every page of the zygote's
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whom this process forks is waited for by nobody
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                child(lambda connection=connection: answer_all(lab, connection, first))
            connection.close()


def answer_all(lab: OpenLab, connection: socket.socket, first: str) -> None:
    """Serve one connection, until its other end is closed."""
    labs: list[int] = []
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        print(first, file=stream, flush=True)
        for line in stream:
            asked = json.loads(line)
            answered = fork_lab(lab, asked["lab"]) if "lab" in asked else fork_run(asked["run"])
            labs += [answered["pid"]] if "lab" in asked else []
            print(json.dumps(answered), file=stream, flush=True)
    for pid in labs:  # those that no test stopped
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def fork_lab(lab: OpenLab, asked: dict) -> dict:
    theirs, own = os.pipe()
    if os.fork() == 0:
        os.close(theirs)
        child(lambda: serve(lab, asked, own))
    os.close(own)
    with os.fdopen(theirs) as answer:
        return json.loads(answer.readline())


def fork_run(asked: dict) -> dict:
    pid = os.fork()
    if pid == 0:
        child(lambda: run(asked))
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status)
    return {"killed": killed, "code": None if killed else os.WEXITSTATUS(status)}


def warm(lab: Lab) -> None:
    """Load what the first request of each service loads, so that no fork does it again."""
    clients = InProcess(lab, lab.operator.key_id)
    for service, call in (
        ("sts", "get_caller_identity"),
        ("ec2", "describe_regions"),
        ("iam", "list_account_aliases"),
        ("guardduty", "list_detectors"),
        ("autoscaling", "describe_auto_scaling_groups"),
        ("elbv2", "describe_target_groups"),
        ("elb", "describe_load_balancers"),
        ("cloudtrail", "lookup_events"),
        ("ec2", "describe_vpc_endpoint_services"),
    ):
        getattr(clients.client(service, "eu-west-1"), call)()
    lab.store.handled.clear()
    for region in REGIONS:
        for entry in lab.store.newest_first(region):
            assert entry.answer


if __name__ == "__main__":
    main()
