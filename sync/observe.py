"""What the ledger says of records of an observed flow: what would have been done, and nothing was. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from sync.errors import Rejected, RetryLater
from sync.outcomes import Run, line
from sync.planning import Case, Plan
from sync.stores.ledger import Line, Result


def observe(run: Run, cases: Sequence[Case]) -> None:
    """End every case as observed. A write that was begun before can't be settled without writing: its record waits."""
    for case in cases:
        if case.couple.intent:
            error = RetryLater("A write that was begun waits until the flow is on.", code="paused")
            run.postpone([case.key], error)
        else:
            run.end(case.key, _observed(run, run.planner.plan(case)))


def would_park(run: Run, key: str, error: Rejected) -> Line:
    return line(run, key, Result.OBSERVED, f"would park: {error.message}", code=error.code)


def _observed(run: Run, plan: Plan) -> Line:
    """The outcome of one plan. One that would touch nothing is the skip that it always is."""
    key = plan.key
    if plan.error:
        return would_park(run, key, plan.error)
    if plan.write:
        would = "create" if plan.write.create else f"be {plan.text}" if plan.text else "update"
        return replace(line(run, key, Result.OBSERVED, f"would {would}"), changes=plan.changes)
    if plan.stores:
        return line(run, key, Result.OBSERVED, f"would note: {plan.text}")
    return line(run, key, Result.SKIPPED, plan.text)
