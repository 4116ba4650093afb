"""What both scripts share: the order of a step, names of variables, text on one line."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from vpce_tui.blocks.model import sentences
from vpce_tui.core.text import visible
from vpce_tui.plans.placeholders import AWS_NOW, INCIDENT, REFERENCE, TOKEN, names
from vpce_tui.plans.plan import Plan, PlanError, PlannedCall, Step, StepKind

_OURS: Final = (INCIDENT, AWS_NOW, TOKEN)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def plain(text: str) -> str:
    """Text in which nothing ends a line or steers a terminal."""
    return visible(text, limit=500)


def variable(name: str) -> str:
    """The script's own name for a reference: one that no environment variable and no name of the script's has."""
    if not REFERENCE.fullmatch(name):
        raise PlanError(f"{name[:60]!r} is not a valid reference name.")
    return name if name in _OURS else f"GOT_{name}"


def parameter(name: str) -> str:
    """A parameter's name, which is printed as it is."""
    if not _NAME.fullmatch(name):
        raise PlanError(f"{name[:60]!r} is not a valid parameter name.")
    return name


def file_name(step: Step, call: PlannedCall) -> str:
    """What a script calls the evidence of a read."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{step.id}-{call.id}")


def before(plan: Plan, step: Step) -> list[str]:
    """Steps that must be done before this one and are not in the same script, by id."""
    here = {other.id for other in plan.steps}
    return [needed for needed in step.requires if needed not in here]


def unbound(plan: Plan, step: Step) -> tuple[dict[str, str], list[str]]:
    """References of a step that the script does not learn from an answer: what means them by now, and those unknown."""
    before_it: list[Step] = []
    for other in plan.steps:
        if other.id == step.id:
            break
        before_it.append(other)
    given = {
        name
        for other in before_it
        if other.kind is not StepKind.MANUAL and not other.blocked
        for call in other.calls
        for name in call.gives
    }
    known, missing = {}, []
    for call in step.calls:
        for name in names(call.parameters):
            if name in given or name in _OURS:
                continue
            if name in step.bindings:
                known[name] = step.bindings[name]
            elif name not in missing:
                missing.append(name)
        given |= set(call.gives)
    return known, missing


def step_lines(
    step: Step,
    written: Callable[[Step, PlannedCall], Iterable[str]],
    guard: Callable[[Step], Iterable[str]],
    stop: Callable[[str], str],
    remark: Callable[[str], str],
    bind: Callable[[str, str], str],
    plan: Plan,
) -> Iterator[str]:
    """A step as lines; ``written`` gives the lines of one call, ``guard`` those before what cannot be undone; ``stop`` the line
    that ends the script with a sentence, ``remark`` the one that does nothing and says it, ``bind`` the one that gives a reference
    the value that it has by now."""
    yield remark(f"-- {step.title} ({step.id})")
    if step.kind is StepKind.MANUAL:
        yield from (remark(f"   manually: {note}") for note in sentences(step.content))
        yield ""
        return
    if step.blocked:
        yield from (remark(f"   blocked: {item.says}; to unblock it: {item.remedy}") for item in step.blocked)
        yield stop(f"{step.id} is blocked: {step.blocked[0].says}")
        yield ""
        return
    yield from (remark(f"   already in effect: {call.why or call.name}") for call in step.already)
    if not step.calls and not step.already:
        yield remark("   nothing to do")
    if step.kind is StepKind.CHANGE and step.calls and step.final:
        yield from guard(step)
    known, missing = unbound(plan, step)
    if missing and step.calls:
        yield stop(
            f"what {', '.join(missing)} refers to is unknown: plan again with --incident, or run the steps before it"
        )
        yield ""
        return
    yield from (bind(name, value) for name, value in known.items())
    for call in step.calls:
        if call.why:
            yield remark(f"   {call.why}")
        yield from written(step, call)
    yield ""
