"""A process that has built the lab once and forks: each test gets a fresh AWS in milliseconds, each kill a real process.

Reads one JSON object a line: ``{"lab": {"faults": […]}}`` forks a lab that serves (answers its port and pid);
``{"run": {"argv": […], "env": {…}, "kill_at": N, "out": path}}`` forks a process that runs the command line, killed with
SIGKILL right after journal row N is on disk, and answers how it ended. ``kill_new``: killed at the first row whose
boundary (kind, step, call) is not in this list; what it was stands in ``out``.
"""

import json
import os
import signal
import sys
import traceback

from vpce_tui.lab.layers.faults import parse_fault
from vpce_tui.lab.server import Lab


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
    data = row.data  # type: ignore[attr-defined]
    calls = ",".join(call["id"] for call in data.get("calls", ())) or data.get("call") or data.get("evidence") or ""
    what = next((name for name in ("probe", "proof", "found", "undo", "decision") if data.get(name)), "")
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
    playbook.patience = lambda _: WaitPolicy(ask=(0.05,), under_way=0.0, prove=waits, wait=waits)
    from vpce_tui.aws.pacing import LIMITS

    LIMITS["cloudtrail", "LookupEvents"] = 500.0  # what AWS allows is tested where pacing is
    kill_at, passed = asked.get("kill_at"), asked.get("kill_new")
    if kill_at or passed:
        written = Journal.append
        known = set(passed or ())

        def append(self: Journal, kind: object, payload: object) -> object:
            row = written(self, kind, payload)  # type: ignore[arg-type]
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

    lab = Lab(seed=7).build()
    warm(lab)
    facts = {key: value for key, value in lab.facts.items() if key != "endpoints"}
    facts["endpoint_ids"] = {name: item["made"]["VpcEndpointId"] for name, item in lab.facts["endpoints"].items()}
    keys = [lab.operator.key_id, lab.operator.secret, lab.operator.token]
    profiles = {name: [held.key_id, held.secret, held.token] for name, held in lab.profiles.items()}
    print(json.dumps({"facts": facts, "keys": keys, "profiles": profiles}), flush=True)
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

    from vpce_tui.aws.catalogue import OPERATIONS
    from vpce_tui.aws.models import loader as bundled_models
    from vpce_tui.aws.models import wire_forms
    from vpce_tui.lab.inprocess import InProcess
    from vpce_tui.plans import plan_validation

    clients = InProcess(lab, lab.operator.key_id)
    for service, call in (
        ("sts", "get_caller_identity"), ("ec2", "describe_regions"), ("iam", "list_account_aliases"), ("guardduty", "list_detectors"),
        ("autoscaling", "describe_auto_scaling_groups"), ("elbv2", "describe_target_groups"), ("elb", "describe_load_balancers"),
        ("cloudtrail", "lookup_events"),
    ):  # fmt: skip
        getattr(clients.client(service, "eu-west-1"), call)()
    lab.store.handled.clear()
    loader = bundled_models()  # one cache of models for every fork
    botocore.loaders.create_loader = lambda *_: loader
    for service in sorted({item.service for item in OPERATIONS}):
        wire_forms(service)
        loader.load_service_model(service, "service-2")
    plan_validation._validator()
    keep_parsed()
    session = botocore.session.Session()
    for service in (
        "sts",
        "ec2",
        "iam",
        "guardduty",
        "autoscaling",
        "elbv2",
        "elb",
        "cloudtrail",
        "kms",
        "logs",
        "organizations",
    ):
        session.create_client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def keep_parsed() -> None:
    """One parsed model, client class and endpoint rule set a service for every fork: they are the same each time."""
    from functools import cache

    import botocore.args
    import botocore.client
    from botocore.regions import EndpointRulesetResolver  # noqa: F401 - loaded before the forks

    creator = botocore.client.ClientCreator
    models: dict[str, object] = {}
    classes: dict[str, object] = {}
    load, build = creator._load_service_model, creator._create_client_class

    def model(self: object, name: str, api_version: object = None) -> object:
        return models.get(name) or models.setdefault(name, load(self, name, api_version))

    def client_class(self: object, name: str, service_model: object) -> object:
        return classes.get(name) or classes.setdefault(name, build(self, name, service_model))

    creator._load_service_model, creator._create_client_class = model, client_class

    import botocore.endpoint_provider as provider

    plain = provider.RuleSet

    @cache
    def known(key: str) -> object:
        return plain(**json.loads(key))

    provider.RuleSet = lambda **data: known(json.dumps(data, sort_keys=False))


if __name__ == "__main__":
    main()
