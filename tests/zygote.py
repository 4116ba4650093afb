"""A process that has built the lab once and forks it: each test gets a fresh AWS in milliseconds.

See :mod:`tests.forking`. ``{"faults": […]}`` forks a lab that serves, and answers its address and pid.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress

from botocore.exceptions import ClientError

from tests.forking import answer_lines, child, serve_forks
from tests.state import state
from tests.warm import REGIONS, enable_few_regions, keep_parsed
from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.lab import Lab
from vpce_tui.lab.layers.faults import parse_fault


class OpenLab(Lab):
    """A lab that shows its whole state at ``/_lab/state?REGION``, and how often each fault is still due at ``/_lab/faults``."""

    def build(self) -> "OpenLab":
        super().build()
        self._clients = InProcess(self.backend, self.operator.key_id)
        self._at_first = {region: self.state(region) for region in ("eu-west-1", "us-east-1")}
        return self

    def state(self, region: str) -> dict:
        return state(self._clients.client, str(self.facts["victim"]), region)

    def state_now(self, region: str) -> dict:
        """The state; that of a lab that nobody has asked for anything is known."""
        known = {} if self.store.handled else self._at_first
        return known.get(region) or self.state(region)

    def __call__(self, environ: dict, start: object) -> list[bytes]:
        shown = {
            "/_lab/state": lambda: self.state_now(environ["QUERY_STRING"]),
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


def main() -> None:
    if "all-regions" not in sys.argv:
        enable_few_regions()
    keep_parsed()
    lab = OpenLab(seed=7).build()
    warm(lab)
    facts = {key: value for key, value in lab.facts.items() if key != "endpoints"}
    facts["endpoint_ids"] = {name: item["made"]["VpcEndpointId"] for name, item in lab.facts["endpoints"].items()}
    keys = [lab.operator.key_id, lab.operator.secret, lab.operator.token]
    profiles = {name: [held.key_id, held.secret, held.token] for name, held in lab.profiles.items()}
    first = {"facts": facts, "keys": keys, "profiles": profiles}
    serve_forks(int(sys.argv[1]), lambda connection: answer_all(lab, connection, first))


def answer_all(lab: OpenLab, connection: socket.socket, first: dict) -> None:
    """Serve one connection, until its other end is closed."""
    labs: list[int] = []

    def answer(asked: dict) -> dict:
        answered = fork_lab(lab, asked)
        labs.append(answered["pid"])
        return answered

    answer_lines(connection, first, answer)
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


def warm(lab: Lab) -> None:
    """Load what the first request of each service loads, so that no fork does it again."""
    from moto.core.utils import get_service_model

    from vpce_tui.aws.catalogue import OPERATIONS

    for service in sorted({item.service for item in OPERATIONS}):
        get_service_model(service)
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
    bare = InProcess(lab.backend, lab.operator.key_id)
    for service, call, unknown in (
        ("ec2", "describe_vpcs", {"VpcIds": ["vpc-00000000000000000"]}),
        ("iam", "get_user", {"UserName": "nobody"}),
        ("autoscaling", "delete_auto_scaling_group", {"AutoScalingGroupName": "none"}),
        ("elbv2", "describe_target_groups", {"Names": ["none"]}),
        ("elb", "describe_load_balancers", {"LoadBalancerNames": ["none"]}),
        ("logs", "delete_log_group", {"logGroupName": "none"}),
        ("cloudtrail", "get_trail_status", {"Name": "none"}),
    ):
        with suppress(ClientError):  # the first error of a service is looked up among all of them
            getattr(bare.client(service, "eu-west-1"), call)(**unknown)
    lab.store.handled.clear()
    for region in REGIONS:
        for entry in lab.store.newest_first(region):
            assert entry.answer


if __name__ == "__main__":
    main()
