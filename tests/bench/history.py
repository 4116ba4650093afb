"""Event history at AWS's rate, manually: ``python -m tests.bench.history``. The floor is one request each half second in a region."""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def lookups(url: str) -> Counter[str]:
    with urllib.request.urlopen(f"{url}/_lab/handled") as answer:
        return Counter(item["region"] for item in json.load(answer) if item["operation"] == "LookupEvents")


def runs(url: str, env: dict[str, str]) -> None:
    """``events --json`` twice."""
    before = lookups(url)
    for name in ("first run", "second run"):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "vpce_tui", "events", "--json"], env=env, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - began
        after = lookups(url)
        asked = after - before
        before = after
        busiest = max(asked.values(), default=0)
        told = re.search(r"about (\d+) s", done.stderr)
        said = f"; told {told[1]} s when the look back began" if told else ""
        print(
            f"{name}: {took:.1f} s, {asked.total()} requests in {len(asked)} regions, {busiest} in the busiest: a floor of "
            f"{busiest / 2:.1f} s at AWS's rate{said}; exit {done.returncode}"
        )


def one_page_questions(url: str, keys: list[str]) -> None:
    """The rate at which questions of one page are asked in one region: the case that hurts."""
    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsAccess, AwsSession
    from vpce_tui.cloudtrail.lookup import LookupQuery, look_up

    key, secret, token = keys
    session = AwsSession(
        AwsAccess(profile="", region="eu-west-1", endpoint_url=url, key_id=key, secret=secret, token=token),
        Gate(read_only=True),
    )
    session.identity()
    now, number = datetime.now(UTC), 30
    began = time.perf_counter()
    for at in range(number):
        list(look_up(session, "ap-south-1", LookupQuery(now - timedelta(days=1), now, f"Name{at}")))
    took = time.perf_counter() - began
    print(f"one-page questions: {(number - 1) / took:.2f}/s of the 2/s that AWS allows")


def busy() -> None:
    """Requests in one region of an account that is busy all the time, beside each question asked by itself."""
    from tests.test_event_history import answers, one_by_one, questions, spread

    random.seed(1)
    for count, burst in ((0, 0), (300, 200), (3000, 0), (60_000, 0), (60_000, 2000)):
        account: Any = spread(count, burst=burst)
        asked = questions()
        one_by_one(account, asked)
        alone, account.asked = len(account.asked), []
        answers(account, asked)
        print(
            f"{len(asked)} questions, {count + burst:,} events in a month: {len(account.asked)} requests ({alone} each by itself)"
        )


def main() -> None:
    from tests.conftest import Aws, own_zygote

    with own_zygote("all-regions") as zygote:
        answer = zygote.lab()
        with tempfile.TemporaryDirectory() as name:
            env = Aws(zygote, answer["url"], answer["pid"], Path(name)).env
            runs(answer["url"], env)
        one_page_questions(answer["url"], zygote.keys)
        os.kill(answer["pid"], 9)
        busy()


if __name__ == "__main__":
    main()
