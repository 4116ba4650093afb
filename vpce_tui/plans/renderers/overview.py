"""A plan as content blocks: what each step would change, who is affected, how it is undone and verified, and what it shows."""

from collections.abc import Iterator, Mapping

from vpce_tui.blocks.model import Block, Fact, FactsBlock, TextBlock
from vpce_tui.core.text import many
from vpce_tui.plans.plan import Plan, Step, StepKind

_KINDS = {StepKind.READ: "reads only", StepKind.CHANGE: "changes AWS", StepKind.MANUAL: "done by a person"}


def plan_blocks(plan: Plan) -> list[Block]:
    """The whole plan, step by step."""
    head = (
        ("playbook", plan.playbook),
        ("target", plan.target),
        ("account", f"{plan.account}, {plan.region}"),
        ("planned", f"{plan.planned_at} by {plan.operator}"),
        ("incident", plan.incident),
        ("sha256", plan.sha256),
    )
    found: list[Block] = [FactsBlock(facts=tuple(Fact(name=name, value=value) for name, value in head if value))]
    for number, step in enumerate(plan.steps, start=1):
        found += _step(number, step)
    return found


def _step(number: int, step: Step) -> Iterator[Block]:
    kind = _KINDS[step.kind] if step.calls or step.kind is not StepKind.CHANGE else "nothing to change"
    yield FactsBlock(title=f"{number}. {step.title}  ({step.id}: {kind})", facts=tuple(_facts(step)))
    yield from (
        TextBlock(text=f"blocked: {item.says}; to unblock it: {item.remedy}", warning=True) for item in step.blocked
    )
    yield from step.content


def _answer(value: str, labels: Mapping[str, str]) -> str:
    label = labels.get(value, value)
    return label if label.startswith(value) else f"{value} ({label})"


def _facts(step: Step) -> Iterator[Fact]:
    yield Fact(name="what", value=step.description)
    for question in step.questions:
        labels = question.labels
        chosen = question.chosen.split(",") if question.many else [question.chosen]
        named = [_answer(value, labels) for value in chosen if value or not question.many]
        said = "; ".join(named)
        if question.options or question.free:
            yield Fact(name="choice", value=f"{question.question}: {said or 'none'}", source=f"{step.id}.{question.id}")
    yield from (Fact(name="changes", value=text) for text in step.changes)
    if step.kind is StepKind.READ:
        yield from (Fact(name="reads", value=call.why) for call in step.calls if call.why)
    if step.already:
        yield Fact(name="already", value=f"{many(len(step.already), 'effect')} already in effect")
    for affected in step.affects:
        names = f": {', '.join(affected.names)}" if affected.names else ""
        yield Fact(name="affects", value=affected.says + names)
    if step.calls and step.kind is StepKind.CHANGE:
        back = "; ".join(call.why for call in step.undo)
        yield Fact(name="undo", value=(f"yes: {back}" if back else "nothing to undo") if step.reversible else "no")
    yield from (Fact(name="verify", value=check.says) for check in step.checks)
    if step.permissions:
        yield Fact(name="permissions", value=", ".join(step.permissions))
