"""The brake on fakes: nothing destructive passes uncounted, too much pauses the flow, a person's yes lets it go on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync.brake import Kind
from sync.braking import MOST
from sync.mapping import Mapping
from sync.mapping_model import OnDelete
from sync.message import Message
from sync.stores.brakes import Brakes
from sync.stores.modes import Mode, Modes
from tests.unit.conftest import FLOW, Rig


@pytest.fixture
def mapping(request: pytest.FixtureRequest, mapping: Mapping) -> Mapping:
    policy = getattr(request, "param", "deactivate")
    return Mapping(mapping.rules.model_copy(update={"on_delete": OnDelete(gp=policy)}), mapping.fields)


async def customers(rig: Rig, count: int) -> list[str]:
    """So many coupled customers."""
    keys = [f"C{number:04}" for number in range(count)]
    for key in keys:
        rig.gp.type_customer("TWO", key, CUSTNAME=key)
    for start in range(0, count, 100):
        await rig.send(*keys[start : start + 100])
    rig.dataverse.writes.clear()
    return keys


def rename(rig: Rig, *keys: str) -> None:
    for key in keys:
        rig.gp.type_customer("TWO", key, CUSTNAME=f"{key} new")


def brakes(rig: Rig) -> Brakes:
    return Brakes(rig.brakes_table)  # type: ignore[arg-type]


async def mode(rig: Rig) -> Mode:
    return (await rig.modes.of("TWO", FLOW, fresh=True)).mode


def inactive(rig: Rig) -> int:
    return sum(row.values["statecode"] == 1 for row in rig.dataverse.rows.values())


async def test_far_too_many_deletes_pause_the_flow_and_none_is_done(rig: Rig) -> None:
    keys = await customers(rig, 200)
    await rig.missing(*keys[:100])
    await rig.send(*keys[:100])
    setting = await rig.modes.of("TWO", FLOW, fresh=True)
    assert (setting.mode, setting.cause) == (Mode.PAUSED, "brake")
    assert "100 of 200 known customer records" in setting.text
    assert (rig.dataverse.writes, inactive(rig)) == ([], 0)
    [(_, waiting, _)] = rig.lanes.sent
    assert waiting.keys == tuple(keys[:100])
    assert await rig.history(keys[0]) == [line for line in await rig.history(keys[0]) if line.text != "deleted in GP"]


async def test_a_message_with_too_many_deletes_holds_back_its_other_changes_too(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:50])
    rename(rig, keys[60])
    await rig.send(*keys)
    assert rig.dataverse.writes == []
    assert set(rig.lanes.sent[0][1].keys) >= {keys[0], keys[60]}


async def test_a_few_deletes_are_done_however_few_records_there_are(rig: Rig) -> None:
    keys = await customers(rig, 20)
    await rig.missing(*keys[:19])
    await rig.send(*keys)
    assert (inactive(rig), await mode(rig)) == (19, Mode.ON)


async def test_deletes_one_by_one_add_up(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:40])
    for key in keys[:40]:
        await rig.send(key)
    assert (inactive(rig), await mode(rig)) == (19, Mode.PAUSED)


@pytest.mark.parametrize("mapping", ["park"], indirect=True)
async def test_parking_the_deleted_counts_as_deleting(rig: Rig) -> None:
    keys = await customers(rig, 50)
    await rig.missing(*keys[:30])
    await rig.send(*keys[:30])
    assert (await rig.parked(), await mode(rig)) == ([], Mode.PAUSED)


async def test_customers_made_inactive_count_as_deleted(rig: Rig) -> None:
    keys = await customers(rig, 50)
    for key in keys[:30]:
        rig.gp.type_customer("TWO", key, CUSTNAME=key, INACTIVE=1)
    await rig.send(*keys[:30])
    assert (inactive(rig), await mode(rig)) == (0, Mode.PAUSED)


async def test_loading_inactive_customers_is_no_deleting(rig: Rig) -> None:
    keys = [f"I{number:03}" for number in range(60)]
    for key in keys:
        rig.gp.type_customer("TWO", key, CUSTNAME=key, INACTIVE=1)
    await rig.send(*keys)
    assert (inactive(rig), await mode(rig)) == (60, Mode.ON)


async def test_far_too_many_changes_pause_the_flow(rig: Rig) -> None:
    keys = await customers(rig, 100)
    rename(rig, *keys)
    await rig.send(*keys[:50])
    assert (len(rig.dataverse.writes), await mode(rig)) == (50, Mode.ON)
    await rig.send(*keys[50:])
    assert (len(rig.dataverse.writes), await mode(rig)) == (50, Mode.PAUSED)


@pytest.mark.parametrize("reason", ["backfill", "retry", "restored"])
async def test_changes_that_a_person_ordered_do_not_count(rig: Rig, reason: str) -> None:
    keys = await customers(rig, 100)
    rename(rig, *keys)
    await rig.send(message=Message.new(FLOW, "TWO", keys, reason))  # type: ignore[arg-type]
    assert (len(rig.dataverse.writes), await mode(rig)) == (100, Mode.ON)


@pytest.mark.parametrize("reason", ["backfill", "retry", "restored"])
async def test_deletes_count_whoever_ordered(rig: Rig, reason: str) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:50])
    await rig.send(message=Message.new(FLOW, "TWO", keys, reason))  # type: ignore[arg-type]
    assert (inactive(rig), await mode(rig)) == (0, Mode.PAUSED)


async def test_one_record_changed_again_and_again_is_one_changed_record(rig: Rig) -> None:
    [key, *_] = await customers(rig, 30)
    for number in range(40):
        rig.gp.type_customer("TWO", key, CUSTNAME=f"name {number}")
        await rig.send(key)
    assert (len(rig.dataverse.writes), await mode(rig)) == (40, Mode.ON)


async def test_a_delete_tried_again_after_an_outage_counts_once(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:15])
    rig.dataverse.cut_before = 5
    await rig.send(*keys[:15])
    while rig.dataverse.cut_before:
        await rig.send(message=rig.lanes.sent.pop()[1])
    await rig.send(message=rig.lanes.sent.pop()[1])
    assert (inactive(rig), await mode(rig)) == (15, Mode.ON)
    assert (await brakes(rig).read("TWO", FLOW)).deletes == 15


async def test_what_other_workers_delete_counts_here(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:24])
    for key in keys[:24]:
        await rig.send(key)
        tally = await brakes(rig).read("TWO", FLOW)
        await brakes(rig).save(replace(tally, deletes=tally.deletes + 1))
    assert (inactive(rig), await mode(rig)) == (10, Mode.PAUSED)


async def test_a_flow_paused_meanwhile_deletes_nothing(rig: Rig) -> None:
    keys = await customers(rig, 30)
    await rig.modes.of("TWO", FLOW)
    await Modes(rig.modes_table).set("TWO", FLOW, Mode.PAUSED, "person", "month-end")  # type: ignore[arg-type]
    await rig.missing(keys[0])
    await rig.send(keys[0])
    assert (inactive(rig), rig.lanes.sent[-1][1].keys) == (0, (keys[0],))


async def test_after_a_persons_yes_all_that_waited_passes_and_counting_begins_anew(rig: Rig) -> None:
    keys = await customers(rig, 200)
    await rig.missing(*keys[:150])
    first, second = (Message.new(FLOW, "TWO", some, "timestamp") for some in (keys[:100], keys[100:150]))
    await rig.send(message=first)
    await rig.braking.let_pass("TWO", FLOW)
    await rig.modes.set("TWO", FLOW, Mode.ON, "person", "as ordered")
    await rig.send(message=first)
    await rig.send(message=second)
    assert (inactive(rig), await mode(rig)) == (150, Mode.ON)
    await rig.missing(*keys[150:180])
    await rig.send(*keys[150:180])
    assert (inactive(rig), await mode(rig)) == (150, Mode.PAUSED)


async def test_a_yes_holds_for_the_sweep_too_while_what_it_let_pass_is_still_under_way(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:50])
    await rig.braking.let_pass("TWO", FLOW)
    await rig.braking.foresee(rig.flows[FLOW], "TWO", held=50)
    assert await mode(rig) is Mode.ON
    await rig.braking.foresee(rig.flows[FLOW], "TWO", gone=50)
    assert await mode(rig) is Mode.PAUSED


async def test_resumed_without_a_yes_it_stops_again(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:50])
    message = await rig.send(*keys[:50])
    await rig.modes.set("TWO", FLOW, Mode.ON, "person", "a mistake")
    await rig.send(message=message)
    assert (inactive(rig), await mode(rig)) == (0, Mode.PAUSED)


async def test_many_deletes_that_are_about_to_be_sent_pause_the_flow_beforehand(rig: Rig) -> None:
    await customers(rig, 100)
    flow = rig.flows[FLOW]
    await rig.braking.foresee(flow, "TWO", gone=19)
    assert await mode(rig) is Mode.ON
    await rig.braking.foresee(flow, "TWO", gone=20)
    assert await mode(rig) is Mode.PAUSED


async def test_deletes_of_records_that_were_never_known_pause_nothing(rig: Rig) -> None:
    await customers(rig, 10)
    await rig.braking.foresee(rig.flows[FLOW], "TWO", gone=5_000)
    assert await mode(rig) is Mode.ON


async def test_a_source_that_holds_far_fewer_records_than_are_known_pauses_the_flow(rig: Rig) -> None:
    await customers(rig, 100)
    flow = rig.flows[FLOW]
    await rig.braking.foresee(flow, "TWO", held=120)
    await rig.braking.foresee(flow, "TWO", held=81)
    assert await mode(rig) is Mode.ON
    await rig.braking.foresee(flow, "TWO", held=0)
    assert "100 of 100 known customer records" in (await rig.modes.of("TWO", FLOW)).text


async def test_a_poll_without_many_deletes_asks_nothing_of_storage(rig: Rig) -> None:
    await customers(rig, 30)
    before = rig.brakes_table.calls, rig.crosswalk_table.calls
    await rig.braking.foresee(rig.flows[FLOW], "TWO", gone=3)
    assert (rig.brakes_table.calls, rig.crosswalk_table.calls) == before


async def test_single_changes_cost_no_call_and_many_cost_one_or_two(rig: Rig) -> None:
    keys = await customers(rig, 200)
    rename(rig, *keys[:100])
    before = rig.brakes_table.calls
    for key in keys[:19]:
        await rig.send(key)
    assert rig.brakes_table.calls == before
    await rig.send(*keys[19:60])
    assert rig.brakes_table.calls - before == 2
    await rig.send(*keys[60:90])
    assert rig.brakes_table.calls - before == 3


async def test_the_known_are_counted_only_when_few_is_exceeded_and_once_an_hour(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = await customers(rig, 200)
    rename(rig, *keys[:90])
    counted: list[str] = []
    count = rig.crosswalk.count

    async def watched(company: str, pair: str) -> int:
        counted.append(company)
        return await count(company, pair)

    monkeypatch.setattr(rig.crosswalk, "count", watched)
    await rig.send(*keys[:10])
    assert counted == []
    await rig.send(*keys[10:50])
    await rig.send(*keys[50:90])
    assert counted == ["TWO"]


async def test_the_memory_of_who_changed_is_bounded(rig: Rig) -> None:
    keys = await customers(rig, 40)
    rename(rig, *keys[:20])
    await rig.send(*keys[:20])
    fresh = rig.braking._fresh["TWO", FLOW]
    fresh.told |= {f"other {number}" for number in range(MOST + 1)}
    rename(rig, keys[30])
    await rig.send(keys[30])
    assert rig.braking._fresh["TWO", FLOW].untold == {keys[30]}
    assert rig.braking._fresh["TWO", FLOW].told == set()


async def test_an_old_count_does_not_hold_back_a_new_hour(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:30])
    await rig.send(*keys[:15])
    tally = await brakes(rig).read("TWO", FLOW)
    await brakes(rig).save(replace(tally, began=(datetime.now(UTC) - timedelta(hours=2)).isoformat()))
    await rig.send(*keys[15:30])
    assert (inactive(rig), await mode(rig)) == (30, Mode.ON)
    assert getattr(await brakes(rig).read("TWO", FLOW), Kind.DELETES) == 15


async def test_records_changed_again_within_the_hour_do_not_count_again(rig: Rig) -> None:
    keys = await customers(rig, 60)
    for number in range(3):
        for key in keys[:25]:
            rig.gp.type_customer("TWO", key, CUSTNAME=f"name {number}")
        await rig.send(*keys[:25])
    assert (len(rig.dataverse.writes), await mode(rig)) == (75, Mode.ON)


async def test_a_delete_that_goes_round_again_counts_once(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:15])
    accounts = [(await rig.couple(key)).id for key in keys[:15]]
    rig.dataverse.before_write = [lambda: [rig.dataverse.edit(id_, description="typed") for id_ in accounts]]
    await rig.send(*keys[:15])
    assert (inactive(rig), await mode(rig)) == (15, Mode.ON)
    assert (await brakes(rig).read("TWO", FLOW)).deletes == 15


async def test_a_few_deletes_are_no_reason_to_count_the_known(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = await customers(rig, 30)
    monkeypatch.setattr(rig.crosswalk, "count", None)
    await rig.missing(*keys[:10])
    await rig.send(*keys[:10])
    assert inactive(rig) == 10


@pytest.mark.parametrize("mapping", ["deactivate", "park"], indirect=True)
async def test_records_known_to_be_gone_can_not_be_lost_again(rig: Rig) -> None:
    keys = await customers(rig, 100)
    await rig.missing(*keys[:40])
    message = await rig.send(*keys[:40])
    await rig.braking.let_pass("TWO", FLOW)
    await rig.modes.set("TWO", FLOW, Mode.ON, "person", "as ordered")
    await rig.send(message=message)
    assert await rig.crosswalk.count("TWO", "customer") == 60
    await rig.braking.foresee(rig.flows[FLOW], "TWO", held=60)
    assert await mode(rig) is Mode.ON
