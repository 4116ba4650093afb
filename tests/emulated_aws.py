"""The emulated AWS as a test sees it: clients, and its whole state."""

import json
import urllib.request
from functools import cache
from typing import Any

import boto3

from tests.conftest import HOME, Aws


@cache
def _session(key: str, secret: str, token: str) -> boto3.Session:
    """One session for all labs: it keeps the service models it has read."""
    return boto3.Session(key, secret, token, region_name=HOME)


def clients(aws: Aws, region: str = HOME) -> Any:
    session = _session(*aws.zygote.keys)
    return lambda service: session.client(service, endpoint_url=aws.url, region_name=region)


def dump(aws: Aws, region: str = HOME) -> dict[str, Any]:
    """The state of the lab, see :func:`tests.state.state`; read inside it, so that it is no request of anybody's."""
    with urllib.request.urlopen(f"{aws.url}/_lab/state?{region}") as answer:
        found: dict[str, Any] = json.load(answer)
    return found
