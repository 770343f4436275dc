"""What a poll costs when nothing is new: round trips, and rows that the database examines, in a small and a large company."""

import asyncio
from collections.abc import AsyncIterator

from bench.suite import Measure, options, step
from bench.work import app, door
from sandbox.child import ROOT
from sandbox.scenarios.load import edit
from sandbox.up import Sandbox

SMALL, LARGE = 1_000, 100_000
POLLS = 10
QUIET = 4
INDEX = ROOT / "infra" / "gp" / "index.sql"
FEEDS = {"TWO": "Change Tracking", "THREE": "DEX_ROW_TS with the optional index"}


async def idle(box: Sandbox) -> AsyncIterator[Measure]:
    """Both kinds of feed, in a company of 1,000 customers and then of 100,000 (of a tenth of `--records` and ten times)."""
    small, large = min(SMALL, options.records // 10), min(LARGE, options.records * 10)
    await edit(box, INDEX.read_text(encoding="utf-8"), "THREE")
    # What was typed in just now would be looked at again for ten minutes: here it counts as old at once.
    box.overrides["GP365_GP_OVERLAP_MINUTES"] = "0"
    examined: dict[str, list[float]] = {company: [] for company in FEEDS}
    for size in (small, large):
        for company, feed in FEEDS.items():
            step(f"{company} grows to {size} customers and is polled by {feed}")
            await _grow(box, company, size)
            trips, rows = await _polls(box, company)
            examined[company].append(rows)
            yield Measure("idle_poll_round_trips", trips, "round trips", bar=1, note=f"{feed}, {size} customers")
            yield Measure("idle_poll_rows_examined", rows, "rows", note=f"{feed}, {size} customers")
    for company, (few, many) in examined.items():
        yield Measure(
            "idle_poll_rows_examined_ratio", round((many + 1) / (few + 1), 3), "ratio", bar=1.1,
            note=f"{FEEDS[company]}, {large} to {small}",
        )  # fmt: skip


async def _grow(box: Sandbox, company: str, size: int) -> None:
    [[count]] = await edit(box, "SELECT COUNT(*) FROM RM00101", company)
    if count < size:
        await door(box, "gp", "POST", "/seed", company=company, customers=size - count, seed=count)
    await door(box, "gp", "POST", "/statistics")


async def _polls(box: Sandbox, company: str) -> tuple[float, float]:
    """Round trips and rows examined by one poll that finds nothing, on average."""
    async with app(box) as runtime:
        mappings = list(runtime.mappings.values())
        cursor = (await runtime.gp.poll(company, mappings, {})).cursor
        cursor = (await runtime.gp.poll(company, mappings, cursor)).cursor
    before = await _examined(box)
    async with app(box) as runtime:
        for _ in range(POLLS):
            poll = await runtime.gp.poll(company, mappings, cursor)
            assert not poll.changes, "somebody typed something"
            cursor = poll.cursor
        trips = runtime.gp.client.round_trips
    return trips / POLLS, (await _examined(box) - before) / POLLS


async def _examined(box: Sandbox) -> int:
    """Rows examined so far. A connection tells its share some moments after it was closed: so all are, and it is waited for."""
    seen: list[int] = []
    while len(seen) < QUIET or len(set(seen[-QUIET:])) > 1:
        await asyncio.sleep(0.5)
        seen.append((await door(box, "gp", "GET", "/rows-examined"))["rows"])
    return seen[-1]
