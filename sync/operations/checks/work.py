"""Whether GP is being polled, and which runs are not finished."""

from collections.abc import AsyncIterator
from datetime import timedelta

from sync.operations.backfill import again, progress_of
from sync.runtime import Runtime
from sync.stores.modes import Mode
from sync.stores.runs import State
from sync.system import Check

LATE = timedelta(minutes=75)
"""A cursor moves hourly even when nothing changes: one that is older is not read."""


async def polling(runtime: Runtime) -> AsyncIterator[Check]:
    for company in runtime.settings.companies:
        name = f"GP {company}: polled"
        cursor = await runtime.cursors.read(company, "gp")
        paused = (await runtime.modes.of(company)).mode is Mode.PAUSED
        if not cursor.etag:
            yield Check(name, False, "never yet", "Start the function app, or run `python -m sync poll`.")
        elif cursor.age > LATE and not paused:
            detail = f"last {_ago(cursor.age)} ago"
            yield Check(name, False, detail, "Is the function app running? It polls GP by GP365_POLL_SCHEDULE.")
        else:
            yield Check(name, True, f"its cursor moved {_ago(cursor.age)} ago, and does so hourly at least")


async def runs(runtime: Runtime) -> AsyncIterator[Check]:
    found = [await progress_of(runtime.runs, run) for run in await runtime.runs.list() if run.state is State.RUNNING]
    open_ones = [progress for progress in found if progress.run.state is State.RUNNING]
    for progress in open_ones:
        run = progress.run
        sent = "everything is sent" if run.all_sent else f"{run.sent:,} of {run.total:,} sent"
        step = "" if run.all_sent else f"`{again(run)}` goes on with it."
        yield Check(
            f"run {run.id}", True, f"{run.kind} of {run.company} is not finished: {sent}, {progress.done:,} done", step
        )
    if not open_ones:
        yield Check("runs", True, "all are finished")


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
