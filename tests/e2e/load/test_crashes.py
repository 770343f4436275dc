"""The host is killed again and again at every moment of a load: nothing is lost and nothing doubled."""

import signal
from collections import Counter
from collections.abc import Callable

from rich.table import Table

from sandbox.scenarios.load import clean_customers, differences, edit, every_customer
from sandbox.scenarios.scenario import app
from sandbox.up import Sandbox
from tests.e2e.load.conftest import QUICKLY
from tests.e2e.load.seams import kill_at, seams
from tests.e2e.load.steps import at_rest, load, message_ids, outcomes, parked, printed, rows
from tests.e2e.steps import door

COMPANY = "THREE"
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
    load_box: Sandbox, tell: Callable[[str], None]
) -> None:
    keys = await half_of_them_known(load_box)
    await app(load_box, "backfill", "--company", COMPANY, "--no-wait")
    sent = await message_ids(load_box)
    await load_box.start("host", "--time-scale", QUICKLY)
    known = seams(sent)
    statuses = [await kill_at(load_box, known[name]) for _ in range(ROUNDS) for name in ROUND]
    await load_box.restart("host")  # at its ordinary pace: on a slow machine two seconds are too short for a message
    await at_rest(load_box, 300)
    await load_box.stop("host")

    kills = await kills_of(load_box)
    tell(report(len(keys), kills))
    assert statuses == [-signal.SIGKILL] * len(ROUND) * ROUNDS
    assert kills.total() >= 20
    assert all(kills[name] >= 2 for name in known)
    assert await differences(load_box, keys, COMPANY) == []
    couples = [row for row in await rows(load_box, "crosswalk") if row["PartitionKey"].startswith(f"{COMPANY}.")]
    assert [row["key"] for row in couples if row.get("intent")] == []
    assert await parked(load_box, keys, COMPANY) == []
    ends = await outcomes(load_box, sent)
    assert len(ends) == len(keys)
    assert {key for _, key in ends} == set(keys)
    assert {tuple(results) for results in ends.values()} <= {("created",), ("updated",)}
    [run] = await app(load_box, "runs", "list")
    assert (run["state"], run["done"], run["created"] + run["updated"]) == ("done", len(keys), len(keys))


async def half_of_them_known(box: Sandbox) -> list[str]:
    """The customers of a company; every other one has an account whose name is no longer GP's. No host runs."""
    await clean_customers(box, RECORDS, COMPANY)
    keys = await every_customer(box, COMPANY)
    await box.start("host")
    await load(box, keys[::2], COMPANY)
    await at_rest(box)
    await box.stop("host")
    await edit(box, "UPDATE RM00101 SET CUSTNAME = 'Moved ' + CUSTNMBR", COMPANY)
    for part in ("storage", "dataverse"):
        await door(box, part, "DELETE", "/counts")
    return keys


async def kills_of(box: Sandbox) -> Counter[str]:
    """Kills by seam, as the doors counted them."""
    kills: Counter[str] = Counter()
    for part in ("storage", "dataverse"):
        counts = await door(box, part, "GET", "/counts")
        kills.update({name.removeprefix("kill."): n for name, n in counts.items() if name.startswith("kill.")})
    return kills


def report(records: int, kills: Counter[str]) -> str:
    table = Table("Seam", "Host killed", title=f"A backfill of {records:,} records")
    for name in ROUND:
        table.add_row(name, str(kills[name]))
    table.add_row("in all", str(kills.total()))
    return printed(table)
