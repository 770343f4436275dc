"""Sends every record of GP through a flow, at a gentle pace, as a run that can be taken up again where it stopped."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Final

from sync.errors import Rejected, RetryLater
from sync.flow import Flow
from sync.message import Message
from sync.operations.unmatched import check_matched
from sync.passes import PAGE
from sync.runtime import Runtime
from sync.sender import KEYS_A_BULK_MESSAGE
from sync.stores.modes import Mode
from sync.stores.runs import Run, Runs, State, Tally

KIND: Final = "backfill"
LOOK = 1.0
"""Seconds between two looks at a run that only waits."""

type Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Progress:
    """Where a backfill stands. `counts` is how many records ended how; `waits` says why it does not go on now."""

    run: Run
    counts: dict[str, int]
    waits: str = ""

    @property
    def done(self) -> int:
        """How many records have ended, whatever became of them."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """How many records are on the lane or being worked."""
        return max(self.run.sent - self.done, 0)

    @property
    def finished(self) -> bool:
        return self.run.all_sent and not self.waiting


async def begin(
    runtime: Runtime,
    company: str,
    flow: Flow,
    fields: Sequence[str] = (),
    *,
    restart: bool = False,
    without_match: bool = False,
) -> Run:
    """The run to go on with: one that was not finished, or a new one. `restart` stops the old one first.

    Raises Rejected (`match_first`) where a new one would make what Dataverse may hold already, but `without_match`.
    """
    mapping = runtime.mappings[flow.pair]
    for run in await runtime.runs.list():
        if (run.kind, run.company, run.flow, run.fields) != (KIND, company, flow.name, tuple(fields)):
            continue
        if run.state is State.RUNNING and not restart:
            return run
        if run.state is State.RUNNING:
            counts = (await runtime.runs.count(run.id, Tally())).counts
            _ours(await runtime.runs.finish(run, State.STOPPED, counts))
    if not (fields or without_match):
        await check_matched(runtime, company, flow)
    total = await runtime.gp.count(company, mapping)
    who = getpass.getuser()
    return await runtime.runs.start(KIND, company, flow.name, fields=tuple(fields), who=who, total=total)


async def backfill(
    runtime: Runtime, run: Run, *, wait: bool = True, pause: Pause = asyncio.sleep
) -> AsyncIterator[Progress]:
    """Send what is left of a run page by page, then wait until its last record has ended; without `wait`, only send.

    A system that does not answer for a while is waited for. Raises Rejected when another command goes on with the same
    run.
    """
    tally = Tally()
    progress = Progress(run, {})
    while True:
        sent = progress.run.sent
        try:
            progress = await _step(runtime, progress.run, tally)
        except RetryLater as error:
            progress = replace(progress, waits=error.message)
        yield progress
        if progress.finished or (progress.run.all_sent and not wait):
            return
        if progress.run.all_sent or progress.run.sent == sent:
            await pause(LOOK)


async def progress_of(runs: Runs, run: Run) -> Progress:
    """Where a run stands now. One that has ended meanwhile is closed."""
    if run.state is not State.RUNNING:
        return Progress(run, run.counts)
    return await _closed(runs, Progress(run, (await runs.count(run.id, Tally())).counts))


async def _step(runtime: Runtime, run: Run, tally: Tally) -> Progress:
    """Send one page if there is one and its lane has room; then where the run stands."""
    deep = "" if run.all_sent else await _deep(runtime, run)
    if not run.all_sent and not deep:
        run = await _send_page(runtime, run)
    counts = (await runtime.runs.count(run.id, tally)).counts
    return await _closed(runtime.runs, Progress(run, counts, deep or await _paused(runtime, run)))


async def _paused(runtime: Runtime, run: Run) -> str:
    setting = await runtime.modes.of(run.company, run.flow)
    return f"{setting.what} is paused ({setting.cause})" if setting.mode is Mode.PAUSED else ""


async def _send_page(runtime: Runtime, run: Run) -> Run:
    """Put the next keys on the bulk lane, then note the place. A crash in between sends them twice, which is harmless."""
    flow = runtime.flows[run.flow]
    keys = await runtime.gp.keys(run.company, runtime.mappings[flow.pair], run.place, PAGE)
    for some in batched(keys, KEYS_A_BULK_MESSAGE, strict=False):
        message = Message.new(run.flow, run.company, some, KIND, run=run.id, fields=run.fields)
        await runtime.lanes.send(flow.bulk_lane, message)
    all_sent = len(keys) < PAGE
    if all_sent:
        await _mark_loaded(runtime, run)
    place = keys[-1] if keys else run.place
    return _ours(await runtime.runs.move(run, place=place, sent=run.sent + len(keys), all_sent=all_sent))


async def _closed(runs: Runs, progress: Progress) -> Progress:
    """The same, with its run closed when it has finished."""
    if not progress.finished:
        return progress
    closed = await runs.finish(progress.run, State.DONE, progress.counts)
    return replace(progress, run=closed or await runs.get(progress.run.id) or progress.run)


async def _mark_loaded(runtime: Runtime, run: Run) -> None:
    """From now on the sweep sends records it doesn't know. Not after a backfill that is only observed, or of fields."""
    flow = runtime.flows[run.flow]
    observed = (await runtime.modes.of(run.company, run.flow)).mode is Mode.OBSERVE
    if not observed and not run.fields:
        await runtime.cursors.mark_loaded(run.company, flow.pair)


async def _deep(runtime: Runtime, run: Run) -> str:
    flow = runtime.flows[run.flow]
    return f"{flow.lane} is full" if await runtime.sender.bulk_room(flow) <= 0 else ""


def again(run: Run) -> str:
    """The command that goes on with a run."""
    if run.kind != KIND:
        return f"python -m sync {run.kind} --company {run.company} --apply FILE"
    fields = "".join(f" --field {name}" for name in run.fields)
    return f"python -m sync {run.kind} --company {run.company} --flow {run.flow}{fields}"


def _ours(run: Run | None) -> Run:
    if run is None:
        raise Rejected("The run was moved by another command meanwhile.", code="run_taken")
    return run
