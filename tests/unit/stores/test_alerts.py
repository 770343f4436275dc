"""What a channel was told is changed by one instance at a time."""

from dataclasses import replace

from sync.stores.alerts import Alerts, Heard, Told
from tests.fakes import FakeTable


async def test_of_two_instances_one_changes_it() -> None:
    alerts = Alerts(FakeTable())  # type: ignore[arg-type]
    blank = Heard("c1")
    first = await alerts.save(blank, replace(blank, busy_until="2026"))
    assert first
    assert await alerts.save(blank, replace(blank, busy_until="2027")) is None
    assert await alerts.save(first, replace(first, busy_until=""))
    assert await alerts.save(first, replace(first, busy_until="2028")) is None
    assert (await alerts.read("c1")).busy_until == ""


async def test_topics_come_change_and_go_with_it() -> None:
    alerts = Alerts(FakeTable())  # type: ignore[arg-type]
    blank = Heard("c1")
    first = await alerts.save(blank, replace(blank, told={"a": Told(1, "t1"), "b": Told(2, "t1")}))
    assert first
    await alerts.save(first, replace(first, told={"b": Told(9, "t2"), "c": Told(1, "t2")}))
    assert (await alerts.read("c1")).told == {"b": Told(9, "t2"), "c": Told(1, "t2")}
    assert (await alerts.read("c2")).told == {}
