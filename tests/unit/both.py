"""The line of both directions of a pair, with everything around it faked, and what people do at both sides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sync.braking import Braking
from sync.delivery import Deliveries
from sync.directions import in_use
from sync.flow import find_flows
from sync.guard import Guard
from sync.mapping import Mapping
from sync.message import Message
from sync.parking import Parking
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.sender import Sender
from sync.stores.brakes import Brakes
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger
from sync.stores.modes import Modes
from sync.stores.parked import Parked, ParkedStore
from sync.stores.runs import Runs
from sync.system import Ask, Record
from tests.fakes import FakeGp, FakeLanes, FakeTable, FakeTarget, later

THERE = "customer_gp_to_dataverse"
BACK = "customer_dataverse_to_gp"
ACCOUNT = "0a000000-0000-4000-8000-000000000001"


class Accounts(FakeTarget):
    """Dataverse as a source too."""

    def type(self, id_: str, mapping: Mapping, **values: Any) -> None:
        """A person makes or edits an account."""
        if id_ in self.rows:
            self.edit(id_, **values)
        else:
            blank = dict.fromkeys((*mapping.attributes, mapping.dataverse.key, *mapping.routing))
            self.rows[id_] = Record(id_, blank | {"statecode": 0, "customertypecode": 3} | values, self._next())


class AsSource:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        return (await self._accounts.look(company, mapping, Ask(ids=keys))).by_id

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> set[str]:
        return set(await self.read(company, mapping, keys))

    async def children(self, mapping: Mapping, parents: Sequence[str]) -> list[str]:
        assert mapping.parent
        rows, above = self._accounts.rows.values(), mapping.parent.attribute
        found = [row for row in rows if row.values.get(above) in parents and mapping.in_scope(row.values)]
        return [row.key for row in found if not row.values[mapping.dataverse.key]]

    async def merged_into(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, list[str]]:
        return self._accounts.merged_into(keys)


@dataclass
class Both:
    """The line of both directions, with everything around it faked."""

    mapping: Mapping
    gp: FakeGp
    accounts: Accounts
    lanes: FakeLanes
    crosswalk: Crosswalk
    table: FakeTable
    parked_store: ParkedStore
    deliveries: Deliveries

    async def there(self, *keys: str, delivery: int = 1, message: Message | None = None) -> None:
        """A message of GP's is worked."""
        await self._send(message or Message.new(THERE, "TWO", keys, "timestamp"), "to-dataverse", delivery)

    async def back(self, *ids: str, delivery: int = 1, message: Message | None = None) -> None:
        """A message of Dataverse's is worked."""
        await self._send(message or Message.new(BACK, "TWO", ids or [ACCOUNT], "webhook"), "to-gp", delivery)

    async def _send(self, message: Message, lane: str, delivery: int) -> None:
        await self.deliveries.receive(message.to_json(), delivery, lane)

    async def rest(self) -> None:
        """Everything on the lanes is worked, each at its time, and what comes of it, until nothing is left."""
        for _ in range(20):
            if not self.lanes.sent:
                return
            lane, message, delay = self.lanes.sent.pop(0)
            later(self.table, timedelta(seconds=delay))
            await self._send(message, lane, 1)
        raise AssertionError(f"no end: {self.lanes.sent}")

    async def coupled(self, key: str = "A1", **values: Any) -> str:
        """A customer with its account, both agreeing; the account's id."""
        self.gp.type_customer("TWO", key, CUSTNAME="Ann", CRLMTTYP=1, **values)
        await self.there(key)
        [id_] = [row.key for row in self.accounts.rows.values() if row.values["accountnumber"] == key]
        await self.back(id_)
        await self.rest()
        self.gp.writes.clear()
        self.accounts.writes.clear()
        return id_

    async def couple(self, key: str = "A1") -> Couple:
        return (await self.crosswalk.read("TWO", "customer", [key]))[key]

    async def answer(self, key: str, answer: str, *, code: str = "") -> None:
        """A person answers; a side about what waits for this cause, or for the only one."""
        [before] = (await self.crosswalk.read_ids("TWO", "customer", [key])).values()
        asked = code or ("approval_needed" if before.parked_d365 == "approval_needed" else "")
        side = "granted" if asked == "approval_needed" else "take"
        said = {side: answer} if answer in ("gp", "d365") else {"answer": answer}
        await self.crosswalk.save([(before, replace(before, **said))])

    async def parked(self) -> list[Parked]:
        return [entry async for entry in self.parked_store.list()]

    def customer(self, key: str = "A1") -> dict[str, Any]:
        return self.gp.records["TWO", key].values

    def account(self, id_: str) -> dict[str, Any]:
        return self.accounts.rows[id_].values


def ruled(mapping: Mapping, name: str, **words: Any) -> Mapping:
    """The mapping with other rules for one field."""
    fields = [
        replace(field, rule=field.rule.model_copy(update=words)) if field.name == name else field
        for field in mapping.fields
    ]
    return replace(mapping, fields=tuple(fields))


def build(mapping: Mapping, *more: Mapping) -> Both:
    """The line of a pair, beside `more`."""
    lanes, table, parked = FakeLanes(), FakeTable(), ParkedStore(FakeTable())
    gp, accounts, crosswalk = FakeGp(mapping), Accounts(), Crosswalk(table)
    mappings = {each.pair: each for each in (mapping, *more)}
    flows = in_use({name: flow for name, flow in find_flows().items() if flow.pair in mappings}, mappings)
    modes = Modes(FakeTable())
    sender = Sender(lanes, 2000)  # type: ignore[arg-type]
    parking = Parking(parked, crosswalk)
    pipeline = Pipeline(
        flows=flows,
        mappings=mappings,
        sources={"gp": gp, "dataverse": AsSource(accounts)},
        targets={"dataverse": accounts, "gp": gp},
        crosswalk=crosswalk,
        ledger=Ledger(FakeTable()),
        parking=parking,
        guard=Guard(modes, Identities(FakeTable()), {"dataverse": accounts.identity}, ["TWO", "THREE"]),
        braking=Braking(Brakes(FakeTable()), modes, crosswalk, mappings, 1.0),
        sender=sender,
        visibility=timedelta(minutes=10),
    )
    deliveries = Deliveries(flows, ["TWO", "THREE"], pipeline, parking, lanes, Pauses(), Runs(FakeTable()))  # type: ignore[arg-type]
    return Both(mapping, gp, accounts, lanes, crosswalk, table, parked, deliveries)


def with_rules(mapping: Mapping, **rules: Any) -> Mapping:
    return replace(mapping, rules=mapping.rules.model_copy(update=rules))
