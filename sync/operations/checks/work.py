"""Whether GP is being polled and Dataverse caught up with, and which runs are not finished."""

from collections.abc import AsyncIterator
from datetime import timedelta

from sync.operations.backfill import again, progress_of
from sync.runtime import Runtime
from sync.stores.cursors import Cursor
from sync.stores.modes import Mode
from sync.stores.runs import State
from sync.stores.standings import Standing
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


async def catching_up(runtime: Runtime) -> AsyncIterator[Check]:
    paused = all([(await runtime.modes.of(each)).mode is Mode.PAUSED for each in runtime.settings.companies])
    for table in runtime.catchup.tables:
        cursor, standing = await runtime.standings.read(table)
        yield _caught_up(f"Dataverse {table}: caught up with", cursor, standing, paused=paused)


def _caught_up(name: str, cursor: Cursor, standing: Standing, *, paused: bool) -> Check:
    step = "Is the function app running? It asks Dataverse by GP365_DELTA_SCHEDULE."
    if not cursor.etag:
        return Check(name, False, "never yet", "Start the function app, or run `python -m sync poll`.")
    ago = _ago(cursor.age)
    if cursor.age > LATE and not paused:
        return Check(name, False, f"its token is {ago} old", step)
    if not standing.link:
        why = "Dataverse forgot what changed: everything is compared next" if standing.lost else "for the first time"
        return Check(name, True, f"is being read through, {why}")
    return Check(name, True, f"its token is {ago} old, and is renewed hourly at least")


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
