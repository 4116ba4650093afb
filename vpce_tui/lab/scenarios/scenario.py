"""What a scenario is: an account, what happened in it, and the truth about it as data, so that findings can be scored."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import Facts
from vpce_tui.lab.scenarios.records import EventWriter


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so about one event or instance of a scenario. ``subject`` is its name among the scenario's facts.

    ``bad`` None: neither bad nor harmless; something happened to it.

    ``reasons`` are the rules that must be among what is raised (bad) or that could mislead (harmless).
    """

    subject: str
    bad: bool | None
    what: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. ``context``: what its team says about itself, as TOML with ``<names>`` of facts. ``gaps``: what cannot be looked at, by
    the name under which the coverage must say so. ``faults``: what its AWS refuses from the start."""

    name: str
    build: Callable[[InProcess, str, datetime, Facts], None]
    write: Callable[[EventWriter, Facts, random.Random], None]
    truth: tuple[Truth, ...]
    context: str = ""
    tidy: bool = False
    gaps: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


PIPELINE_CONTEXT = """
[[pipelines]]
principal = "arn:aws:sts::*:assumed-role/ci-network/*"
user_agent = "*Terraform*"
"""

HOURS = """
[working_hours]
days = "mon-fri"
from = "08:00"
to = "18:00"
zone = "<zone where it is night>"
"""
