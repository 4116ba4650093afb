"""``vpce-tui completion``: what a shell evaluates to complete the command line."""

import argparse

from argcomplete.shell_integration import shellcode

from vpce_tui.core.exit_codes import Exit


def completion(args: argparse.Namespace) -> Exit:
    """Print argcomplete's code for the shell."""
    print(shellcode(["vpce-tui"], shell=args.shell))
    return Exit.DONE
