"""Assesses scenarios as an operator would, each in a fork of its own: ``python -m tests.scenarios`` prints all, by name."""

import json
import os
import tempfile
import traceback
from pathlib import Path
from typing import Any


def assessed(name: str, seed: int = 7) -> dict[str, Any]:
    """The scenario's truth, and what the command line said of its events and instances."""
    import contextlib
    import io

    from vpce_tui.aws.pacing import LIMITS
    from vpce_tui.cli import main
    from vpce_tui.lab.account import HOME
    from vpce_tui.lab.lab import Lab
    from vpce_tui.lab.scenarios import scenarios

    LIMITS["cloudtrail", "LookupEvents"] = 500.0
    lab = Lab(seed=seed, scenario=name).build()
    url = lab.serve()
    folder = Path(tempfile.mkdtemp())
    (folder / "context.toml").write_text(lab.context)
    for key in [key for key in os.environ if key.startswith(("AWS_", "VPCE_TUI_"))]:
        del os.environ[key]
    os.environ.update(
        {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": lab.operator.key_id,
            "AWS_SECRET_ACCESS_KEY": lab.operator.secret,
            "NO_PROXY": "*",
            "AWS_SESSION_TOKEN": lab.operator.token,
            "AWS_DEFAULT_REGION": HOME,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "VPCE_TUI_CONFIG": str(folder),
            "VPCE_TUI_CACHE": str(folder / "cache"),
        }
    )
    answer: dict[str, Any] = {"subjects": {}, "failed": []}
    for command in ("events", "instances"):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.main([command, "--json"])
        answer[command] = code
        for line in out.getvalue().splitlines():
            item = json.loads(line)
            answer["subjects"][item.get("eventID") or item.get("instanceId")] = item
        coverage = next(json.loads(line) for line in err.getvalue().splitlines() if line.startswith('{"coverage"'))
        answer["failed"] += [part["name"] for part in coverage["coverage"]["failed"]]
    scenario = scenarios()[name]
    answer["truth"] = [
        {
            "subject": truth.subject,
            "id": lab.facts[truth.subject],
            "bad": truth.bad,
            "what": truth.what,
            "reasons": truth.reasons,
        }
        for truth in scenario.truth
    ]
    answer["gaps"] = scenario.gaps
    lab.stop()
    return answer


def load() -> None:
    """Load, before the forks, what each of them needs."""
    import vpce_tui.cli.commands.search
    import vpce_tui.lab.lab
    import vpce_tui.lab.scenarios.account_setup  # noqa: F401
    from tests.warm import warm_clients

    warm_clients()


def forked(name: str, seed: int) -> Any:
    """Start to assess one scenario; the stream gives its result."""
    theirs, own = os.pipe()
    if os.fork() == 0:
        try:
            os.write(own, json.dumps(assessed(name, seed)).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(own)
    return os.fdopen(theirs)


def main() -> None:
    from vpce_tui.lab.scenarios import scenarios

    load()
    names, found = list(scenarios()), {}
    for pair in (names[at : at + 2] for at in range(0, len(names), 2)):
        for name, stream in [(name, forked(name, 7)) for name in pair]:
            with stream:
                found[name] = json.load(stream)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
