"""The host is killed again and again at every moment of a load: nothing is lost and nothing doubled."""

import signal
from collections import Counter

import pytest
from rich.console import Console
from rich.table import Table

from sandbox.scenarios.load import differences, edit, listed
from sandbox.up import Sandbox
from tests.e2e.load.conftest import QUICKLY
from tests.e2e.load.seams import kill_at, seams
from tests.e2e.load.steps import at_rest, load, outcomes, parked, rows
from tests.e2e.steps import door

RECORDS = 2_000
ROUND = (
    "after intent",
    "after the fence",
    "before the crosswalk commit",
    "after read",
    "after the target's commit, before its answer",
    "between representation and commit",
    "before the message delete",
)
ROUNDS = 3


async def test_a_host_killed_at_every_seam_leaves_one_equal_account_per_customer(
    load_box: Sandbox, customers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    keys = customers[:RECORDS]
    await load_box.start("host")
    await load(load_box, keys[::2])
    await at_rest(load_box)
    await load_box.stop("host")
    await edit(load_box, f"UPDATE RM00101 SET CUSTNAME = 'Moved ' + CUSTNMBR WHERE CUSTNMBR IN ({listed(keys)})")
    await door(load_box, "storage", "DELETE", "/counts")
    await door(load_box, "dataverse", "DELETE", "/counts")

    sent = await load(load_box, keys)
    await load_box.start("host", "--time-scale", QUICKLY)
    known = seams(sent)
    statuses = [await kill_at(load_box, known[name]) for _ in range(ROUNDS) for name in ROUND]
    await at_rest(load_box)
    await load_box.stop("host")

    kills = await kills_of(load_box)
    with capsys.disabled():
        report(kills)
    assert statuses == [-signal.SIGKILL] * len(ROUND) * ROUNDS
    assert kills.total() >= 20
    assert all(kills[name] >= 2 for name in known)
    assert await differences(load_box, keys) == []
    assert [row["key"] for row in await rows(load_box, "crosswalk") if row.get("intent")] == []
    assert await parked(load_box, keys) == []
    ends = await outcomes(load_box, sent)
    assert len(ends) == RECORDS
    assert {key for _, key in ends} == set(keys)
    assert {tuple(results) for results in ends.values()} <= {("created",), ("updated",)}


async def kills_of(box: Sandbox) -> Counter[str]:
    """Kills by seam, as the doors counted them."""
    kills: Counter[str] = Counter()
    for part in ("storage", "dataverse"):
        counts = await door(box, part, "GET", "/counts")
        kills.update({name.removeprefix("kill."): n for name, n in counts.items() if name.startswith("kill.")})
    return kills


def report(kills: Counter[str]) -> None:
    table = Table("Seam", "Host killed", title=f"A load of {RECORDS:,} records")
    for name in ROUND:
        table.add_row(name, str(kills[name]))
    table.add_row("in all", str(kills.total()))
    Console(width=100).print(table)
