"""The sweep over Dataverse: it finds what neither a webhook nor a delta told, and sends nothing that agrees."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.differs import Watched
from sync.flow import Flow
from sync.mapping import Mapping, load_all
from sync.passes import Passes, Place
from sync.sender import Sender
from sync.stores.couple import Couple, Intent
from sync.stores.cursors import Cursors
from sync.sweep import Sweep
from sync.system import Page, Record
from sync.walks import DataverseWalk
from tests.fakes import FakeBraking, FakeTable, later
from tests.unit.conftest import FLOW, MAPPINGS, Rig

BACK = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
HEARD = "name"


class FakeAccounts:
    """Dataverse as a source, three accounts a page."""

    def __init__(self, rows: dict[str, Record]) -> None:
        self._rows = rows

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> Page:
        keys = sorted(self._rows)
        begin = keys.index(after) if after else 0
        return Page(keys[begin : begin + 3], (keys[begin + 3 :] or [""])[0])

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        return {key: self._rows[key] for key in keys if key in self._rows}

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> set[str]:
        return set(keys) & self._rows.keys()

    async def count(self, company: str, mapping: Mapping) -> int:
        return 0  # Dataverse counts once a day


class Desk:
    """A sweep over the accounts of TWO, whose couples the line made from GP."""

    def __init__(self, rig: Rig) -> None:
        self.rig = replace(rig, mapping=hearing(rig.mapping, HEARD))
        self.now = datetime.now(UTC)
        rig.crosswalk_table.now = self.now
        self.cursors = Cursors(FakeTable())  # type: ignore[arg-type]
        self.braking = FakeBraking()
        walk = DataverseWalk(FakeAccounts(rig.dataverse.rows), rig.crosswalk)
        self.sweep = Sweep(
            {BACK.name: BACK}, {"customer": self.rig.mapping}, Passes(walk, rig.crosswalk, 1.0), self.cursors,
            Sender(rig.lanes, 2000), rig.modes, timedelta(hours=24), self.braking,  # type: ignore[arg-type]
        )  # fmt: skip

    async def agreeing(self, *keys: str) -> None:
        for key in keys:
            self.rig.gp.type_customer("TWO", key, CUSTNAME=f"Customer {key}")
        await self.rig.send(*keys)

    async def found(self) -> list[str]:
        """What a whole pass sends: GP's keys, or the ids of accounts that have none."""
        self.rig.lanes.sent.clear()
        await self.sweep.whole("TWO")
        names = {couple.id: couple.key for couple in await self.rig.crosswalk.page("TWO", "customer", "", 100)}
        return sorted(names.get(key, key) for _, message, _ in self.rig.lanes.sent for key in message.keys)

    async def id_of(self, key: str) -> str:
        return (await self.rig.couple(key)).id

    async def edit(self, key: str, **values: Any) -> None:
        """An edit in Dataverse that nobody was told of."""
        self.rig.dataverse.edit(await self.id_of(key), **values)

    def account(self, id_: str, changed: timedelta, **values: Any) -> None:
        """An account that is coupled with nothing, changed so long after the company was first looked at."""
        self.rig.dataverse.rows[id_] = Record(id_, values, changed=self.now + changed)

    async def watched(self) -> None:
        await self.sweep.watch("TWO", self.now)


def hearing(mapping: Mapping, *names: str) -> Mapping:
    """The mapping, where only edits of these attributes are heard in Dataverse."""
    fields = [replace(f, rule=f.rule.model_copy(update={"edits": edits(f.name, names)})) for f in mapping.fields]
    return replace(mapping, fields=tuple(fields))


def edits(name: str, heard: Sequence[str]) -> str:
    return "request" if name in heard else "leave"


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig)


async def test_what_agrees_makes_no_traffic(desk: Desk) -> None:
    await desk.agreeing("A", "B", "C", "D")
    assert await desk.found() == []


async def test_an_edit_that_nobody_told_is_found_by_the_account_s_id(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    await desk.edit("B", name="New name")
    assert await desk.found() == ["B"]
    [(lane, message, _)] = desk.rig.lanes.sent
    assert (lane, message.flow, message.reason) == ("to-gp-bulk", BACK.name, "sweep")
    assert message.keys == (await desk.id_of("B"),)


async def test_an_edit_that_is_left_alone_where_it_is_makes_no_traffic(desk: Desk) -> None:
    await desk.agreeing("A")
    await desk.edit("A", fax="+1 425-555-0101")
    assert await desk.found() == []


async def test_a_field_that_never_agreed_does_not_count(desk: Desk) -> None:
    await desk.agreeing("A")
    couple = await desk.rig.couple("A")
    base = {name: agreed for name, agreed in couple.base.items() if name != HEARD}
    await desk.rig.crosswalk.save([(couple, replace(couple, base=base))])
    await desk.edit("A", name="New name")
    assert await desk.found() == []


async def test_a_delete_that_nobody_told_is_found(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    del desk.rig.dataverse.rows[await desk.id_of("A")]
    assert await desk.found() == ["A"]


async def test_the_couple_of_an_account_that_lost_its_key_is_found_by_its_id(desk: Desk) -> None:
    await desk.agreeing("A")
    await desk.edit("A", gp365_key=None)
    assert await desk.found() == []
    await desk.edit("A", name="New name")
    assert await desk.found() == ["A"]


@pytest.mark.parametrize(("age", "sent"), [(timedelta(minutes=1), ["new"]), (timedelta(minutes=-1), [])])
async def test_an_uncoupled_account_counts_only_since_the_company_is_watched(
    desk: Desk, age: timedelta, sent: list[str]
) -> None:
    await desk.watched()
    desk.account("new", age, name="Somebody")
    assert await desk.found() == sent


async def test_once_all_were_loaded_every_uncoupled_account_counts(desk: Desk) -> None:
    await desk.watched()
    desk.account("old", timedelta(days=-9), name="Somebody")
    await desk.cursors.mark_loaded("TWO", "customer")
    assert await desk.found() == []
    await desk.cursors.mark_loaded("TWO", "customer.dataverse")
    assert await desk.found() == ["old"]


async def test_a_parked_record_waits_and_one_let_go_waits_until_it_changes(desk: Desk) -> None:
    await desk.agreeing("A")
    await desk.edit("A", name="New name")
    couple = await desk.rig.couple("A")
    [parked] = await desk.rig.crosswalk.save([(couple, replace(couple, parked_d365="values_differ"))])
    assert await desk.found() == []
    assert parked
    await desk.rig.crosswalk.save([(parked, replace(parked, parked_d365="", discarded="values_differ"))])
    id_ = await desk.id_of("A")
    row = desk.rig.dataverse.rows[id_]
    desk.rig.dataverse.rows[id_] = replace(row, changed=desk.now - timedelta(minutes=1))
    assert await desk.found() == []
    desk.rig.dataverse.rows[id_] = replace(row, changed=desk.now + timedelta(minutes=1))
    assert await desk.found() == ["A"]


async def test_what_gp_s_flow_has_parked_does_not_keep_an_edit_in_dataverse_waiting(desk: Desk) -> None:
    await desk.agreeing("A")
    await desk.edit("A", name="New name")
    couple = await desk.rig.couple("A")
    await desk.rig.crosswalk.save([(couple, replace(couple, parked="lookup_missing"))])
    assert await desk.found() == ["A"]


async def test_an_account_that_waits_for_approval_waits_for_it(desk: Desk) -> None:
    await desk.watched()
    desk.account("new", timedelta(minutes=1), name="Somebody")
    waiting = Couple("TWO", "customer", id="new", parked_d365="approval_needed")
    await desk.rig.crosswalk.save([(Couple("TWO", "customer", id="new"), waiting)])
    assert await desk.found() == []


async def test_a_coupled_account_whose_own_fields_were_not_brought_over_is_found(desk: Desk) -> None:
    await desk.agreeing("A")
    couple = await desk.rig.couple("A")
    await desk.rig.crosswalk.save([(couple, replace(couple, unmet="d365"))])
    assert await desk.found() == ["A"]


@pytest.mark.parametrize(("flow", "sent"), [(BACK.name, ["A"]), (FLOW, [])])
async def test_a_write_left_behind_is_sent_again_on_its_own_flow(desk: Desk, flow: str, sent: list[str]) -> None:
    await desk.agreeing("A")
    couple = await desk.rig.couple("A")
    await desk.rig.crosswalk.save([(couple, replace(couple, intent=intent(flow)))])
    later(desk.rig.crosswalk_table, timedelta(minutes=31))
    assert await desk.found() == sent


async def test_a_merge_that_nobody_was_told_of_is_found_while_its_account_is_coupled(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    id_ = await desk.id_of("A")
    rows = desk.rig.dataverse.rows
    rows[id_] = replace(rows[id_], successor=await desk.id_of("B"))
    assert await desk.found() == ["A"]
    couple = await desk.rig.couple("A")
    await desk.rig.crosswalk.save([(couple, replace(couple, id=""))])
    assert await desk.found() == []


async def test_a_reread_sends_both_sides_once(desk: Desk) -> None:
    await desk.agreeing("A", "B", "C", "D")
    del desk.rig.dataverse.rows[await desk.id_of("D")]
    await desk.sweep.restart(BACK, "TWO", "reread")
    assert await desk.found() == ["A", "B", "C", "D"]
    place = Place(**(await desk.cursors.read("TWO", "sweep.customer.dataverse")).place)
    assert place.reason == "sweep"


async def test_a_count_of_yesterday_trips_no_brake(desk: Desk) -> None:
    await desk.agreeing("A", "B")
    await desk.found()
    assert desk.braking.foreseen == []


def intent(flow: str) -> Intent:
    return Intent("dead", "gone", "gp", create=False, version="", fields={}, flow=flow, reason="", seen_at="")


async def test_the_other_direction_s_sweep_keeps_a_place_of_its_own(desk: Desk) -> None:
    await desk.found()
    assert not (await desk.cursors.read("TWO", "sweep.customer")).etag


async def test_new_rows_that_belong_to_what_is_coupled_elsewhere_or_nowhere_are_passed_over(
    rig: Rig, tmp_path: Path
) -> None:
    (tmp_path / "address.yaml").write_text("enabled: true", "utf-8")
    pair = load_all(MAPPINGS, tmp_path)["address"]
    couple = Couple("TWO", "customer", "A1", id="ann", coupled=True)
    assert all(await rig.crosswalk.save([(Couple("TWO", "customer", "A1"), couple)]))
    blank = dict.fromkeys(pair.dataverse.values)
    rows = {
        name: Record(name, blank | {"parentid": above}) for name, above in (("a", "ann"), ("b", "bob"), ("c", None))
    }
    walk, watched = DataverseWalk(FakeAccounts(rows), rig.crosswalk), Watched(datetime.now(UTC), loaded=True)
    assert await walk.news("TWO", pair, list(rows), watched) == ["a"]
    assert await walk.news("THREE", pair, list(rows), watched) == []
