"""Systems are away for half an hour while 10,000 changes wait: nothing is lost or parked, storage is not hammered."""

import asyncio
import math
from collections.abc import Callable

from rich.table import Table

from sandbox.host.pace import LEAST, RESTING
from sandbox.scenarios.load import differences, edit
from sandbox.scenarios.scenario import until
from sandbox.up import Sandbox
from sync.pauses import LONGEST
from sync.sender import KEYS_A_BULK_MESSAGE
from tests.e2e.load.conftest import SCALE
from tests.e2e.load.steps import BULK, at_rest, calls, parked, printed, waiting
from tests.e2e.steps import door, fault

CHANGES = 10_000
DOWN = 30 * 60
"""Seconds in Azure's time."""

TICK = 2
"""Seconds between two polls, not scaled."""

KEYS_A_QUERY = 14
CALLS_A_TRY = math.ceil(KEYS_A_BULK_MESSAGE / KEYS_A_QUERY) + 2
"""The app's: the crosswalk, were its keys no neighbours; whether the flow may run; the message put on its lane again."""
CALLS_A_POLL = 2 * 3
"""The app's, for two companies: where the cursor stands, whether the company may be polled, and one to spare."""


def tries_at_most() -> int:
    """How often a message can be tried: at once, then after pauses of at least half of 5, 10, 20, ... 900 s, which
    scaled become whole seconds.
    """
    tries, passed = 1, 0
    while (passed := passed + round(min(LONGEST, 5.0 * 2 ** (tries - 1)) / 2 * SCALE)) < DOWN * SCALE:
        tries += 1
    return tries


async def test_half_an_hour_of_429_and_then_of_no_gp_with_10_000_changes_waiting_loses_and_parks_nothing(
    load_box: Sandbox, customers: list[str], tell: Callable[[str], None]
) -> None:
    load_box.overrides["GP365_POLL_SCHEDULE"] = f"*/{TICK} * * * * *"
    await changed(load_box, "HOLD = 1 - HOLD")
    await fault(load_box, "dataverse", at="dataverse.before", do="error", code=429, seconds=30, times=-1)
    throttled = await half_an_hour(load_box, "Dataverse answers only 429", tell)
    await door(load_box, "dataverse", "DELETE", "/faults")

    await changed(load_box, "CUSTNAME = 'Waited ' + CUSTNMBR")
    await load_box.stop("gp")
    away = await half_an_hour(load_box, "GP is stopped", tell)
    await load_box.start("gp")

    await load_box.start("host")
    await at_rest(load_box, 300)
    await load_box.stop("host")
    assert await parked(load_box, customers[:CHANGES]) == []
    assert await differences(load_box, customers[:CHANGES]) == []
    assert throttled
    assert away


async def changed(box: Sandbox, change: str) -> None:
    """Change every customer and put what a poll sees of it on the lane; no host runs."""
    before = await waiting(box, BULK)
    await edit(box, f"UPDATE RM00101 SET {change}")
    await until(lambda: box.cli("poll"), lambda ended: ended[0] == 0, "a poll, once Dataverse's last pause is over")
    assert await waiting(box, BULK) >= before + CHANGES / KEYS_A_BULK_MESSAGE


async def half_an_hour(box: Sandbox, what: str, tell: Callable[[str], None]) -> bool:
    """Run a host through the outage and print its storage calls; whether they are as few as the design says."""
    messages = await waiting(box, BULK)
    await door(box, "storage", "DELETE", "/counts")
    await box.start("host")
    await asyncio.sleep(DOWN * SCALE)
    done = await calls(box)
    await box.stop("host")
    assert await waiting(box, BULK) >= messages
    bound = messages * tries_at_most() * CALLS_A_TRY + math.ceil(DOWN * SCALE / TICK + 1) * CALLS_A_POLL
    table = Table("Storage calls", "in all", "a minute of Azure's", "a minute here", "a message", title=what)
    for who in ("app", "host"):
        minutes = (DOWN / 60, DOWN * SCALE / 60)
        rates = [f"{done[who] / each:,.0f}" for each in (*minutes, messages)]
        table.add_row(who, f"{done[who]:,}", *rates)
    table.caption = (
        f"{messages} messages wait. The app's bound: {bound:,} = {messages} messages x {tries_at_most()} tries x "
        f"{CALLS_A_TRY} calls, and the polls. The host's own: it asks each queue every {LEAST:g} to {RESTING:g} s."
    )
    tell(printed(table))
    return done["app"] <= bound
