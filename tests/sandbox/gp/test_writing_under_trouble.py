"""Locks, deadlocks, cut connections and other callers: what is known, what is not, and that no edit is lost."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from sandbox.door import Fault
from sandbox.tds.contract import SqlError
from sync.errors import BadSettings, RetryLater
from sync.system import Ask, Outcome, Verdict, Write
from sync.systems.gp.client import GpClient
from sync.systems.gp.records import GpRecords
from sync.systems.gp.verdicts import busy
from tests.sandbox.gp.records import World

OLD = "Café Zürich"


def _fault(world: World, **what: object) -> None:
    world.gp.server.door.faults.add(Fault(**what))


def _later(verdict: Verdict, outcome: Outcome, code: str) -> None:
    assert (verdict.outcome, type(verdict.error)) == (outcome, RetryLater)
    assert verdict.error.code == code


# Known not to have landed -----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["RM00101", "RM00102", "SY01200"])
async def test_a_row_that_somebody_has_open_is_tried_later_and_the_others_are_written(world: World, table: str) -> None:
    write, other = await world.update({"CUSTNAME": "Other", "bill_to.CITY": "Boone"}), world.new_key()
    owner = "Master_ID" if table == "SY01200" else "CUSTNMBR"
    with world.locked(table, f"{owner} = '{world.key}'"):
        verdicts = await world.write(write, world.create(other, {}))
    _later(verdicts[0], Outcome.REFUSED, "busy")
    assert verdicts[0].error.key == world.key
    assert verdicts[1].outcome is Outcome.WRITTEN
    assert world.stored("CUSTNAME") == (OLD,)
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.WRITTEN


async def test_a_wait_for_one_lock_is_not_repeated_for_a_whole_page(world: World) -> None:
    patient = replace(world.settings, timeout=4, lock_timeout_ms=1500)
    records = GpRecords(GpClient(patient))
    keys = [world.new_key() for _ in range(4)]
    with world.locked("DYNAMICS..SY01500", "INTERID = 'TWO'"):
        verdicts = await records.write("TWO", world.mapping, [world.create(key, {}) for key in keys])
    assert {verdict.outcome for verdict in verdicts} == {Outcome.REFUSED}
    assert "kept GP busy" in verdicts[-1].error.message
    for verdict in verdicts:
        _later(verdict, Outcome.REFUSED, "busy")


@pytest.mark.parametrize("at", ["sql.procedure", "sql.statement"])
async def test_a_deadlocks_victim_is_tried_later_and_the_others_are_written(world: World, at: str) -> None:
    write, other = await world.update({"CUSTNAME": "Other"}), world.new_key()
    match = "taUpdateCreateCustomerRcd$" if at == "sql.procedure" else "gp365_kept"
    _fault(world, at=at, match=match, do="error", code=1205)
    verdicts = await world.write(write, world.create(other, {}))
    _later(verdicts[0], Outcome.REFUSED, "busy")
    assert verdicts[1].outcome is Outcome.WRITTEN
    assert world.stored("CUSTNAME") == (OLD,)


async def test_a_real_deadlock_costs_one_of_the_two_and_nothing_else(world: World) -> None:
    """Somebody changes address and customer in the other order."""
    write = await world.update({"bill_to.CITY": "Boone"})
    holding, go = threading.Event(), threading.Event()
    found: list[object] = []

    def somebody() -> None:
        with world.gp.connect("TWO", "sa") as sa:
            sa.cursor().execute(
                f"SELECT * FROM RM00102 WITH (UPDLOCK) WHERE CUSTNMBR = '{world.key}' AND ADRSCODE = 'BILLING'"
            )
            holding.set()
            go.wait(20)
            try:
                sa.cursor().execute(f"UPDATE RM00101 SET COMMENT1 = 'x' WHERE CUSTNMBR = '{world.key}'")
                sa.commit()
                found.append("done")
            except Exception as error:
                found.append(error.args[0])

    thread = world.in_a_thread(somebody)
    await asyncio.to_thread(holding.wait, 20)
    records = GpRecords(GpClient(replace(world.settings, lock_timeout_ms=8000)))
    writing = asyncio.create_task(records.write("TWO", world.mapping, [write]))
    await asyncio.to_thread(world.wait_until_blocked)
    go.set()
    [verdict] = await writing
    await asyncio.to_thread(thread.join)
    if found == ["done"]:
        _later(verdict, Outcome.REFUSED, "busy")
        assert world.stored("CITY", "RM00102", "AND ADRSCODE = 'BILLING'") == ("Ames",)
    else:
        assert (found, verdict.outcome) == ([1205], Outcome.WRITTEN)


async def test_an_order_that_was_never_sent_is_known_not_to_have_landed(world: World) -> None:
    nowhere = GpRecords(GpClient(replace(world.settings, port=1, login_timeout=1)))
    [verdict] = await nowhere.write("TWO", world.mapping, [await world.update({"CUSTNAME": "Other"})])
    _later(verdict, Outcome.REFUSED, "system_unreachable")


async def test_a_refused_sign_in_is_known_not_to_have_landed(world: World) -> None:
    stranger = GpRecords(GpClient(replace(world.settings, user="nobody")))
    [verdict] = await stranger.write("TWO", world.mapping, [await world.update({"CUSTNAME": "Other"})])
    assert (verdict.outcome, type(verdict.error)) == (Outcome.REFUSED, BadSettings)


async def test_each_record_of_a_batch_has_an_end_of_its_own(world: World) -> None:
    """One of each kind, in one round trip."""
    locked, gone = World(world.gp), World(world.gp)
    locked.make()
    gone.make()
    writes = {
        "written": await world.update({"CUSTNAME": "Other", "internet.INET1": "new@x.example"}),
        "created": world.create(world.new_key(), {"bill_to.CITY": "Ames"}),
        "exists": world.create("AARONFIT0001", {}),
        "gone": await world.update({"CUSTNAME": "x"}, gone.key),
        "locked": await world.update({"CUSTNAME": "x"}, locked.key),
        "changed": replace(await world.update({"CUSTNAME": "x"}, "CONTOSOL0001"), version="", seen=None),
        "unfit": world.create(world.new_key(), {"CUSTNAME": "x" * 65}),
        "refused": world.create(world.new_key(), {"PYMTRMID": "nonsense"}),
        "last": world.create(world.new_key(), {}),
    }
    writes["changed"] = replace(writes["changed"], version="2020-01-01T00:00:00.000")
    world.sql(f"DELETE FROM RM00101 WHERE CUSTNMBR = '{gone.key}'")
    before = world.client.round_trips
    with world.locked("RM00101", f"CUSTNMBR = '{locked.key}'"):
        verdicts = await world.write(*writes.values())
    assert world.client.round_trips == before + 1
    assert {name: verdict.outcome for name, verdict in zip(writes, verdicts, strict=True)} == {
        "written": Outcome.WRITTEN,
        "created": Outcome.WRITTEN,
        "exists": Outcome.EXISTS,
        "gone": Outcome.GONE,
        "locked": Outcome.REFUSED,
        "changed": Outcome.CHANGED,
        "unfit": Outcome.FAILED,
        "refused": Outcome.FAILED,
        "last": Outcome.WRITTEN,
    }
    marks = {name: verdict.kept.mark for name, verdict in zip(writes, verdicts, strict=True) if verdict.kept}
    assert {name for name, mark in marks.items() if mark == writes[name].mark} == {"written", "created", "last"}


# Not known --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "landed"),
    [("tds.request", False), ("sql.commit.before", False), ("sql.commit.after", True), ("tds.answer", True)],
)
async def test_a_cut_connection_leaves_an_open_question_that_the_mark_answers(
    world: World, at: str, *, landed: bool
) -> None:
    write = await world.update({"CUSTNAME": "Other", "bill_to.CITY": "Boone", "internet.INET1": "new@x.example"})
    before = world.client.round_trips
    _fault(world, at=at, do="drop", match="" if at.startswith("sql") else "gp365_record")
    [verdict] = await world.write(write)
    assert verdict.outcome is Outcome.FAILED
    assert isinstance(verdict.error, RetryLater)
    assert world.client.round_trips == before + 1, "a batch that writes is never sent twice"
    now = await world.look()
    assert (now.mark == write.mark) is landed
    assert (now.values["CUSTNAME"], now.values["bill_to.CITY"]) == (("Other", "Boone") if landed else (OLD, "Ames"))


async def test_a_create_whose_answer_was_lost_is_found_by_its_mark(world: World) -> None:
    write = world.create(world.new_key(), {"bill_to.CITY": "Ames"})
    _fault(world, at="sql.commit.after", do="drop")
    [verdict] = await world.write(write)
    assert (verdict.outcome, type(verdict.error)) == (Outcome.FAILED, RetryLater)
    [again] = await world.write(write)
    assert (again.outcome, again.kept.mark) == (Outcome.EXISTS, write.mark)


async def test_a_cut_between_two_records_leaves_one_written_and_one_not(world: World) -> None:
    writes = [world.create(world.new_key(), {}) for _ in range(3)]
    _fault(world, at="sql.commit.before", do="drop", skip=1)
    verdicts = await world.write(*writes)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.FAILED}
    seen = await world.records.look("TWO", world.mapping, Ask(ids=[write.id for write in writes]))
    assert [write.id in seen.by_id for write in writes] == [True, False, False]


async def test_a_batch_that_is_answered_too_late_leaves_an_open_question(world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"})
    hasty = GpRecords(GpClient(replace(world.settings, timeout=1)))
    _fault(world, at="sql.procedure", match="taUpdate", do="delay", seconds=3)
    [verdict] = await hasty.write("TWO", world.mapping, [write])
    assert verdict.outcome is Outcome.FAILED
    assert isinstance(verdict.error, RetryLater)
    patient = GpRecords(GpClient(replace(world.settings, lock_timeout_ms=20_000)))
    [next_one] = await patient.write("TWO", world.mapping, [await world.update({"FAX": "1"})])
    assert next_one.outcome in {Outcome.WRITTEN, Outcome.CHANGED}, "what was given up holds no lock for ever"


# Two callers ------------------------------------------------------------------------------------


async def _race(world: World, one: Write, other: Write) -> list[Verdict]:
    """Both at once, from two processes' connections, the first held up with its locks taken."""
    callers = [GpRecords(GpClient(replace(world.settings, lock_timeout_ms=10_000))) for _ in range(2)]
    _fault(world, at="sql.procedure", match="taUpdate", do="delay", seconds=0.3, times=2)
    tasks = [each.write("TWO", world.mapping, [write]) for each, write in zip(callers, (one, other), strict=True)]
    return [verdict for verdicts in await asyncio.gather(*tasks) for verdict in verdicts]


async def test_of_two_creates_under_one_id_one_wins_and_the_other_is_told_whose_it_is(world: World) -> None:
    key = world.new_key()
    one, other = world.create(key, {"CUSTNAME": "One"}), world.create(key, {"CUSTNAME": "Other"})
    verdicts = await _race(world, one, other)
    assert sorted(verdict.outcome for verdict in verdicts) == [Outcome.EXISTS, Outcome.WRITTEN]
    marks = {verdict.kept.mark for verdict in verdicts}
    winner = next(write for write in (one, other) if write.mark in marks)
    assert len(marks) == 1
    assert world.stored("CUSTNAME", key=key) == (winner.values["CUSTNAME"],)


async def test_of_two_updates_of_what_both_saw_one_wins_and_the_other_looks_again(world: World) -> None:
    one = await world.update({"CUSTNAME": "One"})
    other = replace(one, values={"bill_to.CITY": "Boone"}, mark=world.mark())
    verdicts = await _race(world, one, other)
    assert sorted(verdict.outcome for verdict in verdicts) == [Outcome.CHANGED, Outcome.WRITTEN]
    now = await world.look()
    assert (now.values["CUSTNAME"], now.values["bill_to.CITY"]) in {("One", "Ames"), (OLD, "Boone")}


@contextmanager
def _held(world: World, started: threading.Event, go: threading.Event) -> Iterator[None]:
    """Our write stands still in the middle, with its locks taken, until `go`."""

    def hold(_: object) -> int:
        started.set()
        go.wait(20)
        return 0

    with world.customised("customer", "Pre", hold):
        yield


async def _meanwhile(world: World, write: Write, sql: str) -> tuple[Verdict, object]:
    """What becomes of a write, and of what somebody else does in its midst: None, or the number of an error."""
    started, go = threading.Event(), threading.Event()

    def somebody() -> object:
        try:
            world.sql(sql)
        except SqlError as error:
            return error.number
        return None

    with _held(world, started, go):
        writing = asyncio.create_task(world.write(write))
        await asyncio.to_thread(started.wait, 20)
        other = asyncio.create_task(asyncio.to_thread(somebody))
        await asyncio.to_thread(world.wait_until_blocked)
        go.set()
        [verdict] = await writing
        return verdict, await other


async def test_a_user_who_saves_while_we_write_waits_and_loses_nothing(world: World) -> None:
    save = f"UPDATE RM00101 SET COMMENT1 = 'theirs' WHERE CUSTNMBR = '{world.key}'"
    verdict, other = await _meanwhile(world, await world.update({"CUSTNAME": "Ours"}), save)
    assert (verdict.outcome, other) == (Outcome.WRITTEN, None)
    assert world.stored("CUSTNAME, COMMENT1") == ("Ours", "theirs")


async def test_an_address_that_was_found_missing_stays_so_until_we_are_done(world: World) -> None:
    world.sql(f"UPDATE RM00101 SET PRSTADCD = '' WHERE CUSTNMBR = '{world.key}'")
    write = await world.update({"ship_to.CITY": "Boone"})
    add = f"INSERT INTO RM00102 (CUSTNMBR, ADRSCODE, CITY) VALUES ('{world.key}', 'SHIP TO', 'Theirs')"
    verdict, other = await _meanwhile(world, write, add)
    assert (verdict.outcome, other) == (Outcome.WRITTEN, 2627)
    assert world.stored("CITY", "RM00102", "AND ADRSCODE = 'SHIP TO'") == ("Boone",)


async def test_an_id_that_was_found_free_stays_so_until_we_are_done(world: World) -> None:
    key = world.new_key()
    typed = f"INSERT INTO RM00101 (CUSTNMBR, CUSTNAME) VALUES ('{key}', 'Theirs')"
    verdict, other = await _meanwhile(world, world.create(key, {"CUSTNAME": "Ours"}), typed)
    assert (verdict.outcome, other) == (Outcome.WRITTEN, 2627)
    assert world.stored("CUSTNAME", key=key) == ("Ours",)


async def test_the_gate_is_told_when_some_record_met_a_lock(world: World) -> None:
    write = await world.update({"CUSTNAME": "Other"})
    heard: list[bool] = []
    original = world.client.write

    async def noting(company, statement, judge):  # type: ignore[no-untyped-def]
        answer = await original(company, statement, judge)
        heard.append(judge(answer))
        return answer

    world.client.write = noting  # type: ignore[method-assign]
    with world.locked("RM00101", f"CUSTNMBR = '{world.key}'"):
        await world.write(write)
    await world.write(write)
    assert heard == [True, False]
    assert busy([]) is False
