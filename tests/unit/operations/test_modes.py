"""Pause, observe, resume, and what begins anew after a restore: nothing is sent twice with harm, nothing is left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sync.errors import Rejected, RetryLater
from sync.flow import Flow
from sync.mapping import Mapping
from sync.message import Bulk
from sync.operations import modes as operation
from sync.operations.restored import after_restore
from sync.passes import Passes
from sync.sender import Sender
from sync.stores.brakes import Brakes
from sync.stores.cursors import Cursors
from sync.stores.modes import WHOLE, Mode
from sync.sweep import Sweep
from sync.system import Identity
from sync.walks import GpWalk
from tests.fakes import FakeTable
from tests.unit.conftest import FLOW, Rig

BULK = "to-dataverse-bulk"
HOME = Identity("gp", {"server": "SQL01", "database": "TWO"}, 12)


class Gp:
    """GP's environment and feeds; its records are the rig's."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.now = rig, HOME

    async def identity(self, company: str, cursor: dict[str, Any]) -> Identity:
        return replace(self.now, seen=cursor.get("version"))

    async def poll(self, company: str, mappings: list[Mapping], cursor: dict[str, Any]) -> Any:
        return SimpleNamespace(cursor={"version": self.now.version})


class CaughtUp:
    """The catch-up with Dataverse, which may have found out that it is an older copy."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.older = rig, False

    async def identity(self) -> Identity:
        identity = await self.rig.dataverse.identity()
        return replace(identity, version=90, seen=100) if self.older else identity

    async def reread(self, flow: Flow, company: str, reason: Bulk) -> int:
        return 0

    async def accept(self) -> None:
        self.older = False


class Desk:
    """A runtime on fakes, and what a person does with it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.gp = rig, Gp(rig)
        self.cursors = Cursors(FakeTable())
        sender = Sender(rig.lanes, 2000)  # type: ignore[arg-type]
        passes = Passes(GpWalk(rig.gp, rig.crosswalk), rig.crosswalk, 1.0)
        self.sweep = Sweep(
            rig.flows, {"customer": rig.mapping}, passes, self.cursors, sender, rig.modes, timedelta(hours=24),
            rig.braking,
        )  # fmt: skip
        self.caught_up = CaughtUp(rig)
        self.runtime: Any = SimpleNamespace(
            flows=rig.flows, catchup=self.caught_up, mappings={"customer": rig.mapping}, gp=self.gp, lanes=rig.lanes, modes=rig.modes,
            guard=rig.guard, braking=rig.braking, identities=rig.identities, crosswalk=rig.crosswalk, cursors=self.cursors,
            intake=self, settings=SimpleNamespace(companies=("TWO", "THREE")),
        )  # fmt: skip

    async def reread(self, flow: Flow, company: str, reason: Bulk) -> int:
        await self.sweep.restart(flow, company, reason)
        return (await self.sweep.advance(flow, company)).keys

    async def restore(self) -> None:
        """TWO was met, its feeds read up to version 12, and is now an older copy; a poll has paused it."""
        await self.rig.guard.recognise("TWO", HOME)
        await self.cursors.move(await self.cursors.read("TWO", "gp"), {"version": 12})
        self.gp.now = replace(HOME, version=7)
        with pytest.raises(RetryLater):
            await self.rig.guard.recognise("TWO", replace(self.gp.now, seen=12))

    async def begin_anew(self) -> dict[str, int]:
        self.rig.lanes.sent.clear()
        return (await after_restore(self.runtime, "TWO", lambda _: None)).keys

    async def deliver(self) -> None:
        waiting, self.rig.lanes.sent = self.rig.lanes.sent, []
        for _, message, _ in waiting:
            await self.rig.send(message=message)

    async def mode(self) -> Mode:
        return (await self.rig.modes.of("TWO", FLOW, fresh=True)).mode


@pytest.fixture
def desk(rig: Rig) -> Desk:
    return Desk(rig)


async def test_pausing_twice_keeps_the_first_reason_and_resuming_ends_it(desk: Desk) -> None:
    first = await operation.pause(desk.runtime, "TWO", "", "month end")
    assert (first.flow, first.mode, first.text) == (WHOLE, Mode.PAUSED, "month end")
    assert await operation.pause(desk.runtime, "TWO", "", "upgrade") == first
    assert (await operation.resume(desk.runtime, "TWO")).mode is Mode.ON
    assert await desk.mode() is Mode.ON


async def test_every_flow_is_listed_with_the_stricter_mode(desk: Desk) -> None:
    await operation.pause(desk.runtime, "TWO", FLOW, "let me see", observe=True)
    await operation.pause(desk.runtime, "TWO", "", "month end")
    listed = [(each.company, each.flow, each.mode) for each in await operation.standing(desk.runtime)]
    assert listed == [("TWO", WHOLE, Mode.PAUSED), ("TWO", FLOW, Mode.PAUSED), ("THREE", FLOW, Mode.ON)]


async def test_a_restored_company_does_not_resume_without_being_told_so(desk: Desk) -> None:
    await desk.restore()
    with pytest.raises(Rejected, match="--after-restore") as refused:
        await operation.resume(desk.runtime, "TWO")
    assert refused.value.code == "identity_changed"
    assert await desk.mode() is Mode.PAUSED


async def test_a_company_whose_settings_were_corrected_resumes_as_it_was(desk: Desk) -> None:
    await desk.restore()
    desk.gp.now = HOME
    assert (await operation.resume(desk.runtime, "TWO")).mode is Mode.ON


async def test_after_a_restore_both_sides_end_equal(desk: Desk) -> None:
    rig = desk.rig
    for key in ("KEPT", "GONE"):
        rig.gp.type_customer("TWO", key, CUSTNAME=f"{key} new")
    await rig.send("KEPT", "GONE")
    await desk.restore()
    rig.gp.type_customer("TWO", "KEPT", CUSTNAME="KEPT old")
    rig.gp.type_customer("TWO", "BACK", CUSTNAME="BACK")
    del rig.gp.records["TWO", "GONE"]
    assert (await desk.begin_anew())[FLOW] == 3
    assert {(lane, message.reason) for lane, message, _ in rig.lanes.sent} == {(BULK, "restored")}
    await desk.deliver()
    await rig.rest()
    held = {row.values["accountnumber"]: row.values for row in rig.dataverse.rows.values()}
    assert {number: values["name"] for number, values in held.items()} == {
        "KEPT": "KEPT old", "BACK": "BACK", "GONE": "GONE new",
    }  # fmt: skip
    assert [(entry.key, entry.code) for entry in await rig.parked()] == [("GONE", "deleted_in_source")]
    assert await desk.mode() is Mode.ON
    assert (await desk.cursors.read("TWO", "gp")).place == {"version": 7}
    await rig.guard.recognise("TWO", replace(desk.gp.now, seen=7))


class Failing:
    """Stands before a method and lets it pass `good` times."""

    def __init__(self, part: Any, name: str, good: int = 0) -> None:
        self.part, self.name, self.good, self.real = part, name, good, getattr(part, name)

    async def __call__(self, *args: Any, **named: Any) -> Any:
        self.good -= 1
        if self.good < 0:
            raise RetryLater("down", code="system_unreachable")
        return await self.real(*args, **named)

    def __enter__(self) -> None:
        setattr(self.part, self.name, self)

    def __exit__(self, *_: object) -> None:
        setattr(self.part, self.name, self.real)


async def test_interrupted_anywhere_it_stays_paused_and_running_it_again_ends_it(desk: Desk) -> None:
    rig = desk.rig
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await desk.restore()
    for trouble in (
        Failing(desk.cursors, "move"),
        Failing(rig.gp, "keys"),
        Failing(rig.gp, "count"),
        Failing(rig.lanes, "send"),
        Failing(rig.crosswalk, "outlines"),
        Failing(desk.cursors, "move", good=2),
        Failing(rig.identities, "accept"),
        Failing(rig.identities, "accept", good=1),
        Failing(rig.modes, "set", good=1),
    ):
        with trouble, pytest.raises(RetryLater):
            await desk.begin_anew()
        assert await desk.mode() is Mode.PAUSED, trouble.name
    assert await desk.begin_anew() == {FLOW: 1}
    assert await desk.mode() is Mode.ON


async def test_after_dataverse_was_put_back_what_it_lost_is_made_again(desk: Desk) -> None:
    rig = desk.rig
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    [before] = rig.dataverse.rows
    rig.dataverse.rows.clear()
    rig.dataverse.organization = "org-2"
    await desk.begin_anew()
    assert {message.reason for _, message, _ in rig.lanes.sent} == {"refreshed"}
    await desk.deliver()
    assert list(rig.dataverse.rows) == [before]
    assert await rig.parked() == []


async def test_dataverse_restored_over_itself_is_told_by_its_count_and_gets_back_what_it_lost(desk: Desk) -> None:
    rig = desk.rig
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    [before] = rig.dataverse.rows
    rig.dataverse.rows.clear()
    desk.caught_up.older = True
    with pytest.raises(Rejected, match="--after-restore"):
        await operation.resume(desk.runtime, "TWO")
    await desk.begin_anew()
    await desk.deliver()
    assert list(rig.dataverse.rows) == [before]
    assert (await operation.resume(desk.runtime, "TWO")).mode is Mode.ON


async def test_an_account_that_a_user_deleted_is_not_made_again_after_gp_was_restored(desk: Desk) -> None:
    rig = desk.rig
    rig.gp.type_customer("TWO", "A1", CUSTNAME="A")
    await rig.send("A1")
    rig.dataverse.rows.clear()
    await desk.restore()
    await desk.begin_anew()
    await desk.deliver()
    assert [entry.code for entry in await rig.parked()] == ["deleted_in_target"]


async def test_a_company_that_was_observed_is_observed_again_after_a_restore(desk: Desk) -> None:
    await operation.pause(desk.runtime, "TWO", "", "not live yet", observe=True)
    await desk.restore()
    await desk.begin_anew()
    assert await desk.mode() is Mode.OBSERVE


async def test_to_resume_what_the_brake_stopped_lets_everything_pass_that_was_seen_until_then(rig: Rig) -> None:
    before = datetime.now(UTC).isoformat()
    await rig.modes.set("TWO", FLOW, Mode.PAUSED, "brake", "far too many")
    assert (await operation.resume(Desk(rig).runtime, "TWO", FLOW)).mode is Mode.ON
    assert (await Brakes(rig.brakes_table).read("TWO", FLOW)).passes_until > before  # type: ignore[arg-type]


async def test_to_resume_what_a_person_paused_does_not_loosen_the_brake(rig: Rig) -> None:
    await rig.modes.set("TWO", FLOW, Mode.PAUSED, "person", "month-end")
    await operation.resume(Desk(rig).runtime, "TWO", FLOW)
    assert (await Brakes(rig.brakes_table).read("TWO", FLOW)).passes_until == ""  # type: ignore[arg-type]
