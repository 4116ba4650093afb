"""``vpce-tui rules``: every rule, and one rule in words."""

import argparse
import textwrap

from vpce_tui.cli.commands.aws_access import UsageError, print_json
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import sign, visible
from vpce_tui.detection import rule_catalogue


def rules(args: argparse.Namespace) -> Exit:
    """List or show."""
    if args.what == "show":
        return _show(args.names)
    if args.names:
        raise UsageError("rules list takes no name; rules show NAME shows one")
    for rule in rule_catalogue.every():
        if args.json:
            print_json(rule_catalogue.to_json(rule))
        else:
            mark = sign("–" if rule.mitigating else rule.severity.sign)
            word = "mitigates" if rule.mitigating else rule.severity.word
            print(f"{rule.id}  {mark:<2} {word:<8}  {rule.name}")
    return Exit.DONE


def _show(names: list[str]) -> Exit:
    if not names:
        raise UsageError("which rule? for example: vpce-tui rules show VPCE-08")
    for number, name in enumerate(names):
        rule = rule_catalogue.find(name)
        if rule is None:
            raise UsageError(f"there is no rule {visible(name)}; vpce-tui rules list names them all")
        if number:
            print()
        for what, words in rule_catalogue.in_words(rule):
            print(textwrap.fill(words, 100, initial_indent=f"{what:<16} ", subsequent_indent=" " * 17))
    return Exit.DONE
