"""What both scripts share: the walk over a step, and text that is harmless in a comment."""

from collections.abc import Callable, Iterable, Iterator

from vpce_tui.playbooks.plan import Kind, PlannedCall, Step
from vpce_tui.text import visible


def comment(text: str) -> str:
    """Text that is harmless in a comment line."""
    return visible(text, limit=500)


def step_lines(
    step: Step,
    written: Callable[[Step, PlannedCall], Iterable[str]],
    guard: Callable[[Step], Iterable[str]],
    stop: Callable[[str], str],
) -> Iterator[str]:
    """A step as commented lines; ``written`` gives the lines of one call, ``guard`` those before what cannot be undone;
    ``stop`` the line that ends the script with a sentence."""
    yield f"# -- {comment(step.title)} ({step.id})"
    if step.kind is Kind.MANUAL:
        yield from (f"#    by hand: {comment(note)}" for note in step.notes)
        yield ""
        return
    if step.blocked:
        yield from (
            f"#    blocked: {comment(item.says)}; to make it pass: {comment(item.remedy)}" for item in step.blocked
        )
        yield stop(f"{step.id} is blocked: {step.blocked[0].says}")
        yield ""
        return
    yield from (f"#    already so: {comment(call.why or call.name)}" for call in step.already)
    if not step.calls and not step.already:
        yield "#    nothing to do"
    if step.kind is Kind.CHANGE and step.calls and not step.reversible:
        yield from guard(step)
    for call in step.calls:
        if call.why:
            yield f"#    {comment(call.why)}"
        yield from written(step, call)
    yield ""
