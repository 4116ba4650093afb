"""A process that has built the lab once and forks: each test gets a fresh AWS in milliseconds, each kill a real process.

Reads one JSON object a line: ``{"lab": {"faults": […]}}`` forks a lab that serves (answers its port and pid);
``{"run": {"argv": […], "env": {…}, "kill_at": N, "out": path}}`` forks a process that runs the command line, killed with
SIGKILL right after journal row N is on disk, and answers how it ended.
"""

import json
import os
import signal
import sys
import traceback

from vpce_tui.lab.faults import parse_fault
from vpce_tui.lab.server import Lab


def serve(lab: Lab, asked: dict, answer: int) -> None:
    if asked.get("hostile"):
        from vpce_tui.lab import faults

        plain = faults.error
        faults.error = lambda start, request, status, code, message: plain(
            start, request, status, code, message + asked["hostile"]
        )
    lab.inject([parse_fault(text) for text in asked.get("faults", ())])
    lab.serve()
    os.write(answer, json.dumps({"url": lab.url, "pid": os.getpid()}).encode() + b"\n")
    os.close(answer)
    signal.pause()


def run(asked: dict) -> None:
    from vpce_tui import cli
    from vpce_tui.commands import playbook
    from vpce_tui.incident.journal import Journal
    from vpce_tui.playbooks.outcome import Patience

    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(out, descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.environ.clear()
    os.environ.update(asked["env"])
    # The lab is consistent at once: nothing is gained by waiting as for AWS.
    playbook.patience = lambda _: Patience(ask=(0.05,), prove=(0.05,) * 60)
    kill_at = asked.get("kill_at")
    if kill_at:
        written = Journal.append

        def append(self: Journal, kind: object, payload: object) -> object:
            row = written(self, kind, payload)  # type: ignore[arg-type]
            if row.seq == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return row

        Journal.append = append  # type: ignore[method-assign,assignment]
    try:
        code = cli.main(asked["argv"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def child(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def main() -> None:
    import jmespath  # noqa: F401 - warmed before the forks

    from vpce_tui.commands import incident, playbook, search  # noqa: F401
    from vpce_tui.playbooks import walk  # noqa: F401

    lab = Lab(seed=7).build()
    warm(lab)
    facts = {key: value for key, value in lab.facts.items() if key != "endpoints"}
    facts["endpoint_ids"] = {name: item["made"]["VpcEndpointId"] for name, item in lab.facts["endpoints"].items()}
    keys = [lab.operator.key_id, lab.operator.secret, lab.operator.token]
    print(json.dumps({"facts": facts, "keys": keys}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "lab" in asked:
            theirs, ours = os.pipe()
            if os.fork() == 0:
                os.close(theirs)
                child(lambda asked=asked, ours=ours: serve(lab, asked["lab"], ours))
            os.close(ours)
            with os.fdopen(theirs) as answer:
                print(answer.readline().strip(), flush=True)
        else:
            pid = os.fork()
            if pid == 0:
                child(lambda asked=asked: run(asked["run"]))
            _, status = os.waitpid(pid, 0)
            killed = os.WIFSIGNALED(status)
            print(json.dumps({"killed": killed, "code": None if killed else os.WEXITSTATUS(status)}), flush=True)


def warm(lab: Lab) -> None:
    """Load what the first request of each service loads, so that no fork does it again."""
    import botocore.loaders
    import botocore.session

    from vpce_tui.lab.inprocess import InProcess

    clients = InProcess(lab, lab.operator.key_id)
    for service, call in (
        ("sts", "get_caller_identity"), ("ec2", "describe_regions"), ("iam", "list_account_aliases"), ("guardduty", "list_detectors"),
        ("autoscaling", "describe_auto_scaling_groups"), ("elbv2", "describe_target_groups"), ("elb", "describe_load_balancers"),
        ("cloudtrail", "lookup_events"),
    ):  # fmt: skip
        getattr(clients.client(service, "eu-west-1"), call)()
    lab.store.handled.clear()
    loader = botocore.loaders.create_loader()
    botocore.loaders.create_loader = lambda *_: loader  # one cache of models for every fork
    session = botocore.session.Session()
    for service in ("sts", "ec2", "iam", "guardduty", "autoscaling", "elbv2", "elb", "cloudtrail", "kms"):
        session.create_client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


if __name__ == "__main__":
    main()
