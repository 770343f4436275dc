"""Dataverse as a source, over TLS and with its real paging: records, change tracking, all of a company's records."""

import ssl
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.dataverse.server import Dataverse, Options
from sandbox.identity import tokens
from sync.catchup import CatchUp
from sync.errors import BadSettings
from sync.flow import Flow
from sync.guard import Guard
from sync.mapping import Mapping, load_all
from sync.parking import Parking
from sync.passes import Passes
from sync.pauses import Pauses
from sync.rounds import Rounds
from sync.routing import Routing
from sync.runtime import MAPPINGS
from sync.sender import Sender
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.identities import Identities
from sync.stores.modes import Modes
from sync.stores.standings import Standings
from sync.sweep import Sweep
from sync.system import Record
from sync.systems.dataverse import changes
from sync.systems.dataverse.changes import DataverseChanges, Look
from sync.systems.dataverse.checks import check
from sync.systems.dataverse.client import DataverseClient
from sync.systems.dataverse.provision import provision, track_changes
from sync.systems.dataverse.reader import DataverseReader
from sync.systems.dataverse.tokens import Credentials, Tokens
from sync.walks import DataverseWalk
from tests.fakes import FakeBraking, FakeLanes, FakeTable

COMPANIES = ("TWO", "THREE")


class Signed(Tokens):
    """A token of the stand-in's own issuer."""

    def __init__(self, token: str) -> None:
        super().__init__(Credentials(""))
        self._token = token

    async def get(self) -> str:
        return self._token


class Environment:
    """A provisioned environment of its own, as we see it and as its users do."""

    def __init__(self, server: Dataverse, client: DataverseClient, door: httpx.AsyncClient, mapping: Mapping) -> None:
        self.server, self.client, self.door, self.mapping = server, client, door, mapping
        self.reader = DataverseReader(client, COMPANIES)
        self.changes = DataverseChanges(client)

    async def create(self, **values: Any) -> str:
        id_ = str(uuid.uuid4())
        await self.client.send("POST", "/accounts", body={"accountid": id_, **values})
        return id_

    async def patch(self, id_: str, **values: Any) -> None:
        await self.client.send("PATCH", f"/accounts({id_})", body=values)

    async def delete(self, id_: str) -> None:
        await self.client.send("DELETE", f"/accounts({id_})")

    async def look(self, link: str) -> Look:
        look = await self.changes.since([self.mapping], link)
        assert look
        return look

    async def opened(self) -> str:
        """The link at the end of a first look."""
        look: Look | None = await self.changes.begin([self.mapping])
        while look and look.more:
            assert look.events == []
            look = await self.changes.resume(look.link)
        assert look
        return look.link

    async def read(self, id_: str) -> Record | None:
        return (await self.reader.read("TWO", self.mapping, [id_])).get(id_)

    async def all_keys(self, company: str, limit: int = 3) -> list[str]:
        keys, after = [], ""
        while True:
            page = await self.reader.keys(company, self.mapping, after, limit)
            keys += page.keys
            after = page.after
            if not after:
                return keys


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Environment]:
    server = Dataverse(tmp_path, Options())
    await server.start()
    token = tokens.issue(server.registry, server.registry.tenant().applications[0], server.url, 600)
    client = DataverseClient(server.url, Signed(token), ca_file=server.certs.ca_file)
    door = httpx.AsyncClient(base_url=server.admin, verify=ssl.create_default_context(cafile=server.certs.ca_file))
    mapping = load_all(MAPPINGS)["customer"]
    async for _ in provision(client, mapping):
        pass
    yield Environment(server, client, door, mapping)
    await door.aclose()
    await client.close()
    await server.stop()


async def test_records_are_read_in_bulk_with_their_types_and_what_routing_needs(there: Environment) -> None:
    rows = [{"name": f"A{n}", "creditlimit": 10.5} for n in range(450)]
    ids = (await there.door.post("/seed", json={"set": "accounts", "rows": rows}, timeout=60)).json()["ids"]
    before = there.client.requests
    records = await there.reader.read("TWO", there.mapping, [*ids, str(uuid.uuid4())])
    assert there.client.requests - before == 2  # who we are, asked once, and one batch
    assert records.keys() == set(ids)
    record = records[ids[0]]
    assert (record.values["name"], record.values["creditlimit"]) == ("A0", Decimal("10.5"))
    assert record.values.keys() >= set(there.mapping.routing)
    assert record.changed
    assert datetime.now(UTC) - record.changed < timedelta(minutes=1)


async def test_a_delta_tells_what_changed_and_what_was_deleted_with_hints(there: Environment) -> None:
    changed, gone = await there.create(name="A"), await there.create(name="B")
    link = await there.opened()
    await there.patch(changed, gp365_key="TWO-A1")
    await there.delete(gone)
    look = await there.look(link)
    assert [(event.id, event.change, event.seen_by) for event in look.events] == [
        (changed, "updated", "delta"),
        (gone, "deleted", "delta"),
    ]
    hints = look.events[0].values
    assert hints
    assert hints["gp365_key"] == "TWO-A1"
    assert hints.keys() == set(there.mapping.routing)
    assert look.events[1].values is None
    assert (await there.look(look.link)).events == []


async def test_what_changes_while_a_first_look_is_under_way_is_told_afterwards(
    there: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_SIZE", "odata.maxpagesize=2")
    ids = sorted([await there.create(name=str(n)) for n in range(5)])
    look: Look | None = await there.changes.begin([there.mapping])
    await there.patch(ids[0], name="late")
    while look and look.more:
        look = await there.changes.resume(look.link)
    assert look
    assert ids[0] in [event.id for event in (await there.look(look.link)).events]


async def test_a_delta_of_many_pages_is_followed_page_by_page(
    there: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_SIZE", "odata.maxpagesize=2")
    link = await there.opened()
    ids = [await there.create(name=str(n)) for n in range(5)]
    seen: list[str] = []
    more, pages = True, 0
    while more:
        look = await there.look(link)
        seen += [event.id for event in look.events]
        link, more, pages = look.link, look.more, pages + 1
    assert (seen, pages) == (ids, 3)


async def test_a_kept_link_leads_to_no_host_of_its_own(there: Environment) -> None:
    link = await there.opened()
    assert link.startswith("/accounts?")


async def test_a_cleaned_history_makes_the_link_unknown_and_a_new_first_look_known(there: Environment) -> None:
    link = await there.opened()
    await there.door.post("/changes/clean")
    assert await there.changes.since([there.mapping], link) is None
    assert (await there.look(await there.opened())).events == []


async def test_a_link_is_refused_once_it_is_as_old_as_the_organization_says(there: Environment) -> None:
    link = await there.opened()
    url = f"/organizations({there.server.env.organization_id})"
    await there.client.send("PATCH", url, body={"expirechangetrackingindays": 0})
    assert await there.changes.since([there.mapping], link) is None


async def test_a_restored_environment_is_told_by_its_count(there: Environment) -> None:
    await there.door.post("/copies/before")
    link = await there.opened()
    await there.create(name="A")
    version = (await there.look(link)).version
    await there.door.post("/copies/before/restore")
    again: Look | None = await there.changes.begin([there.mapping])
    while again and again.more:
        again = await there.changes.resume(again.link)
    assert version
    assert again
    assert again.version
    assert again.version < version


async def test_a_company_s_records_are_those_with_its_key_and_those_in_scope_without_one(there: Environment) -> None:
    two = [await there.create(name=f"A{n}", gp365_key=f"TWO-A{n}") for n in range(4)]
    three = await there.create(name="B", gp365_key="THREE-B")
    unkeyed = await there.create(name="C", customertypecode=3)
    await there.create(name="No customer")
    assert sorted(await there.all_keys("TWO")) == sorted([*two, unkeyed])
    assert await there.all_keys("THREE") == [three]


async def test_records_with_a_key_come_in_its_order(there: Environment) -> None:
    names = ["TWO-C", "TWO-A", "TWO-B"]
    ids = {name: await there.create(name=name, gp365_key=name) for name in names}
    assert await there.all_keys("TWO", 2) == [ids[name] for name in sorted(names)]


async def test_a_place_among_the_pages_that_dataverse_does_not_know_begins_anew(there: Environment) -> None:
    id_ = await there.create(name="A", customertypecode=3)
    page = await there.reader.keys("TWO", there.mapping, "/accounts?$skiptoken=nonsense", 3)
    assert page.keys == [id_]


async def test_held_and_count_tell_what_is_there(there: Environment) -> None:
    id_, gone = await there.create(name="A"), str(uuid.uuid4())
    assert await there.reader.held("TWO", there.mapping, [id_, gone]) == {id_}
    assert await there.reader.count("TWO", there.mapping) == 1
    assert (await there.reader.hints(there.mapping, [id_, gone])).keys() == {id_}


async def test_a_thousand_echoes_cost_two_requests_and_two_messages(there: Environment) -> None:
    flow = Flow("customer", "dataverse", "gp", "customer_dataverse_to_gp")
    flows, mappings = {flow.name: flow}, {"customer": there.mapping}
    lanes, crosswalk = FakeLanes(), Crosswalk(FakeTable())
    cursors, modes, sender = Cursors(FakeTable()), Modes(FakeTable()), Sender(lanes, 100)
    guard = Guard(modes, Identities(FakeTable()), {}, COMPANIES)
    passes = Passes(DataverseWalk(there.reader, crosswalk), crosswalk, 1.0)
    sweep = Sweep(flows, mappings, passes, cursors, sender, modes, timedelta(days=1), FakeBraking())
    routing = Routing(flows.values(), mappings, COMPANIES, crosswalk, there.reader, sender, Parking(None, crosswalk))
    catchup = CatchUp(
        flows, mappings, COMPANIES, there.changes, Standings(cursors), routing, sender, guard, sweep, Rounds(Pauses())
    )
    await catchup.tick("account")
    rows = [{"name": f"A{n}", "gp365_key": f"TWO-A{n}"} for n in range(1_000)]
    ids = (await there.door.post("/seed", json={"set": "accounts", "rows": rows}, timeout=60)).json()["ids"]
    couples = [Couple("TWO", "customer", f"A{n}", id=id_, coupled=True) for n, id_ in enumerate(ids)]
    await crosswalk.save([(replace(couple, id=""), couple) for couple in couples])
    before = there.client.requests
    assert (await catchup.tick("account")).events == 1_000
    assert there.client.requests - before == 2  # which environment it is, and the delta
    assert [(message.company, len(message.keys)) for _, message, _ in lanes.sent] == [("TWO", 500)] * 2


class TestTracking:
    async def test_a_table_that_is_not_tracked_says_what_to_do(self, there: Environment) -> None:
        off(there)
        with pytest.raises(BadSettings, match="account") as raised:
            await there.changes.begin([there.mapping])
        assert raised.value.code == "tracking_off"
        assert "provision" in raised.value.next_step

    async def test_provision_switches_it_on_once(self, there: Environment) -> None:
        off(there)
        steps = [await track_changes(there.client, "account") for _ in range(2)]
        assert [step.state for step in steps] == ["created", "present"]
        assert await there.opened()

    async def test_doctor_tells(self, there: Environment) -> None:
        name = "Dataverse: account: changes are tracked"
        lines = {line.name: line async for line in check(there.client, [there.mapping], {"account"})}
        assert lines[name].ok
        off(there)
        lines = {line.name: line async for line in check(there.client, [there.mapping], {"account"})}
        assert (lines[name].ok, "provision" in lines[name].next_step) == (False, True)
        lines = {line.name: line async for line in check(there.client, [there.mapping], set())}
        assert name not in lines


def off(there: Environment) -> None:
    """As in an environment where nobody switched it on: once it is, it can't be switched off."""
    table = there.server.env.schema.table("account")
    assert table
    table.change_tracking = False
