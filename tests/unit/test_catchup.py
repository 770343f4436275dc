"""Catch-up: the first look sends nothing, a cursor moves after its events, a forgotten history leads to a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sync.catchup import LOOKS, CatchUp
from sync.errors import RetryLater
from sync.event import Event
from sync.flow import Flow
from sync.guard import Guard
from sync.mapping import Mapping
from sync.passes import Passes, Place
from sync.pauses import Pauses
from sync.rounds import Rounds
from sync.sender import Sender
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.identities import Identities
from sync.stores.modes import WHOLE, Mode, Modes
from sync.stores.standings import Standing, Standings
from sync.sweep import Sweep
from sync.system import Identity
from sync.walks import DataverseWalk
from tests.fakes import START, FakeBraking, FakeLanes, FakeTable, later

BACK = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
HOME = Identity("dataverse", {"organization": "org-1"})


@dataclass
class Page:
    events: list[Event] = field(default_factory=list)
    link: str = ""
    more: bool = False
    version: int | None = None


def event(number: int) -> Event:
    return Event("account", f"id-{number}", "updated", "delta", START)


@dataclass
class FakeChanges:
    """Pages by link; "" is the first one of a first look. A link that is not among them was forgotten."""

    pages: dict[str, Page] = field(default_factory=dict)
    who: Identity = HOME
    asked: list[str] = field(default_factory=list)

    async def identity(self) -> Identity:
        return self.who

    async def begin(self, mappings: Sequence[Mapping]) -> Page:
        return self._page("")

    async def resume(self, link: str) -> Page | None:
        return self._page(link) if link in self.pages else None

    async def since(self, mappings: Sequence[Mapping], link: str) -> Page | None:
        return self._page(link) if link in self.pages else None

    def _page(self, link: str) -> Page:
        self.asked.append(link)
        return self.pages[link]


@dataclass
class FakeRouting:
    sent: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def send(self, events: Sequence[Event]) -> list[object]:
        if self.error:
            raise self.error
        self.sent += [event.id for event in events]
        return list(events)


class Desk:
    """Catch-up with the accounts of one environment, for TWO and THREE."""

    def __init__(self, mapping: Mapping, changes: FakeChanges, depth: int = 10) -> None:
        flows, mappings = {BACK.name: BACK}, {"customer": mapping}
        self.changes, self.routing, self.lanes = changes, FakeRouting(), FakeLanes()
        self.table, self.modes = FakeTable(), Modes(FakeTable())  # type: ignore[arg-type]
        self.cursors, self.identities = Cursors(self.table), Identities(FakeTable())  # type: ignore[arg-type]
        self.standings = Standings(self.cursors)
        companies = ["TWO", "THREE"]
        sender = Sender(self.lanes, depth)  # type: ignore[arg-type]
        crosswalk = Crosswalk(FakeTable())  # type: ignore[arg-type]
        passes = Passes(DataverseWalk(None, crosswalk), crosswalk, 1.0)  # type: ignore[arg-type]
        self.sweep = Sweep(
            flows, mappings, passes, self.cursors, sender, self.modes, timedelta(hours=24), FakeBraking()  # type: ignore[arg-type]
        )  # fmt: skip
        guard = Guard(self.modes, self.identities, {}, companies)
        self.catchup = CatchUp(
            flows,
            mappings,
            companies,
            changes,
            self.standings,
            self.routing,
            sender,
            guard,
            self.sweep,
            Rounds(Pauses()),
        )

    async def tick(self) -> Any:
        return await self.catchup.tick("account")

    async def standing(self) -> Standing:
        return (await self.standings.read("account"))[1]

    async def pass_of(self, company: str) -> Place:
        return Place(**(await self.cursors.read(company, "sweep.customer.dataverse")).place)

    async def opened(self, **pages: Page) -> None:
        """Past the first look, at the link "now"."""
        self.changes.pages |= {"": Page(link="now")}
        await self.tick()
        self.changes.pages |= pages


@pytest.fixture
def desk(mapping: Mapping) -> Desk:
    return Desk(mapping, FakeChanges())


async def test_the_first_look_only_notes_where_the_table_stands(desk: Desk) -> None:
    desk.changes.pages = {"": Page(link="p2", more=True), "p2": Page(link="now", version=7)}
    caught = await desk.tick()
    assert (desk.routing.sent, caught.events, caught.opening) == ([], 0, False)
    assert await desk.standing() == Standing("now", version=7)


async def test_the_first_look_notes_since_when_each_company_is_watched(desk: Desk) -> None:
    await desk.opened()
    assert [(await desk.pass_of(company)).reason for company in ("TWO", "THREE")] == ["sweep", "sweep"]


async def test_a_first_look_over_many_pages_goes_on_at_the_next_tick(desk: Desk) -> None:
    links = ["", *(f"p{n}" for n in range(LOOKS + 5))]
    desk.changes.pages = {a: Page(link=b, more=True) for a, b in pairwise(links)}
    desk.changes.pages[links[-1]] = Page(link="now")
    assert (await desk.tick()).opening
    assert not (await desk.tick()).opening
    assert desk.changes.asked == links


async def test_what_changed_goes_to_routing_and_then_the_cursor_moves(desk: Desk) -> None:
    await desk.opened(now=Page([event(1), event(2)], "p2", more=True), p2=Page([event(3)], "later"))
    caught = await desk.tick()
    assert (desk.routing.sent, caught.events) == (["id-1", "id-2", "id-3"], 3)
    assert (await desk.standing()).link == "later"


async def test_the_cursor_stays_when_an_event_finds_no_lane(desk: Desk) -> None:
    await desk.opened(now=Page([event(1)], "later"))
    desk.routing.error = RetryLater("no storage", code="system_unreachable")
    with pytest.raises(RetryLater):
        await desk.tick()
    assert (await desk.standing()).link == "now"


async def test_an_idle_tick_writes_no_row_but_hourly(desk: Desk) -> None:
    await desk.opened(now=Page(link="later"))
    before = {key: row.metadata for key, row in desk.table.entities.items()}
    await desk.tick()
    assert {key: row.metadata for key, row in desk.table.entities.items()} == before
    later(desk.table, timedelta(minutes=61))
    await desk.tick()
    assert (await desk.standing()).link == "later"


async def test_two_instances_do_not_move_one_cursor_twice(desk: Desk) -> None:
    await desk.opened(now=Page([event(1)], "later"), later=Page(link="later"))
    send = desk.routing.send

    async def overtaken(events: Sequence[Event]) -> list[object]:
        desk.routing.send = send  # type: ignore[method-assign]
        await desk.tick()
        return await send(events)

    desk.routing.send = overtaken  # type: ignore[method-assign]
    caught = await desk.tick()
    assert (caught.moved, desk.routing.sent) == (False, ["id-1", "id-1"])


async def test_a_forgotten_history_has_every_record_of_every_company_compared(desk: Desk) -> None:
    await desk.opened()
    desk.changes.pages = {"": Page(link="p2", more=True), "p2": Page(link="anew")}
    caught = await desk.tick()
    assert (caught.lost, desk.routing.sent) == (True, [])
    assert await desk.standing() == Standing("anew")
    assert [(await desk.pass_of(company)).reason for company in ("TWO", "THREE")] == ["reread", "reread"]


async def test_the_comparison_is_due_before_the_new_place_counts(desk: Desk) -> None:
    await desk.opened()
    desk.changes.pages = {"": Page(link="anew")}

    async def failing(*_: Any) -> None:
        raise RetryLater("no storage", code="system_unreachable")

    desk.sweep.restart = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(RetryLater):
        await desk.tick()
    assert await desk.standing() == Standing(lost=True)


async def test_a_first_look_whose_place_was_forgotten_begins_anew(desk: Desk) -> None:
    desk.changes.pages = {"": Page(link="gone", more=True)}
    await desk.tick()
    assert desk.changes.asked.count("") == LOOKS / 2
    desk.changes.pages = {"": Page(link="now")}
    await desk.tick()
    assert (await desk.standing()).link == "now"


async def test_a_copied_environment_pauses_the_companies_before_anything_is_sent(desk: Desk) -> None:
    await desk.opened(now=Page([event(1)], "later"))
    desk.changes.who = Identity("dataverse", {"organization": "org-2"})
    asked = list(desk.changes.asked)
    with pytest.raises(RetryLater, match="--after-restore") as raised:
        await desk.tick()
    assert raised.value.code == "identity_changed"
    with pytest.raises(RetryLater) as raised:
        await desk.tick()
    assert raised.value.code == "paused"
    assert (desk.routing.sent, desk.changes.asked) == ([], asked)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_restored_environment_whose_count_went_back_pauses_before_anything_is_sent(
    desk: Desk, lost: bool
) -> None:
    await desk.opened(now=Page([event(1)], "later", version=100))
    await desk.tick()
    older = Page([event(2)], "older", version=90)
    desk.changes.pages = {"": older} if lost else {"later": older}
    with pytest.raises(RetryLater) as raised:
        await desk.tick()
    assert (raised.value.code, desk.routing.sent) == ("identity_changed", ["id-1"])
    assert (await desk.pass_of("TWO")).reason == "sweep"
    assert (await desk.catchup.identity()).went_back
    for company in ("TWO", "THREE"):
        await desk.modes.set(company, WHOLE, Mode.ON, "person", "")
    await desk.catchup.accept()
    assert not (await desk.catchup.identity()).went_back
    desk.changes.pages["older"] = Page(link="older")
    await desk.tick()
    assert (await desk.standing()).link == "older"


async def test_a_paused_company_stops_no_other_and_all_paused_keep_the_place(desk: Desk) -> None:
    await desk.opened(now=Page([event(1)], "later"), later=Page([event(2)], "last"))
    await desk.modes.set("TWO", WHOLE, Mode.PAUSED, "person", "month end")
    await desk.tick()
    assert desk.routing.sent[0] == "id-1"
    link = (await desk.standing()).link
    await desk.modes.set("THREE", WHOLE, Mode.PAUSED, "person", "month end")
    with pytest.raises(RetryLater, match="month end"):
        await desk.tick()
    assert (await desk.standing()).link == link


@pytest.mark.parametrize("lane", ["to-gp", "to-gp-bulk"])
async def test_nothing_is_read_while_a_lane_is_full(desk: Desk, lane: str) -> None:
    await desk.opened(now=Page([event(1)], "later"))
    desk.lanes.depth[lane] = 10
    assert (await desk.tick()).full
    assert (desk.routing.sent, (await desk.standing()).link) == ([], "now")


async def test_a_table_that_no_flow_reads_is_not_asked(mapping: Mapping) -> None:
    desk = Desk(mapping, FakeChanges())
    forth = replace(BACK, source="gp", target="dataverse")
    catchup = CatchUp(
        {"x": forth}, {"customer": mapping}, ["TWO"], desk.changes, desk.standings, desk.routing, None, None,
        desk.sweep, Rounds(Pauses()),  # type: ignore[arg-type]
    )  # fmt: skip
    assert await catchup.tick_all() == []
    assert await catchup.sweep_all(["TWO"]) == []


async def test_a_company_is_swept_only_in_the_environment_that_it_knows_and_while_it_is_not_paused(desk: Desk) -> None:
    swept: list[str] = []

    async def tick(company: str) -> list[object]:
        swept.append(company)
        return []

    desk.sweep.tick = tick  # type: ignore[method-assign,assignment]
    await desk.opened(now=Page([event(1)], "later"), later=Page(link="later"))
    await desk.modes.set("THREE", WHOLE, Mode.PAUSED, "person", "month end")
    await desk.catchup.sweep_all(["TWO", "THREE"])
    assert (desk.routing.sent, swept) == (["id-1"], ["TWO"])  # what the delta tells is not the sweep's to find
    desk.changes.who = Identity("dataverse", {"organization": "org-2"})
    assert await desk.catchup.sweep_all(["TWO", "THREE"]) == []
    assert swept == ["TWO"]
