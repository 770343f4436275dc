"""The line on fakes: one set of parts per test."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sync.braking import Braking
from sync.delivery import DEATHS, Deliveries
from sync.directions import in_use
from sync.flow import Flow
from sync.guard import Guard
from sync.mapping import Mapping, load_all
from sync.message import Message
from sync.parking import Parking
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.sender import Sender
from sync.stores.brakes import Brakes
from sync.stores.couple import Couple
from sync.stores.crosswalk import Crosswalk
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger, Line
from sync.stores.modes import Modes
from sync.stores.parked import Parked, ParkedStore
from sync.stores.runs import Runs
from tests.fakes import FakeClock, FakeLanes, FakeSource, FakeTable, FakeTarget, customer_flows, later
from tests.unit.both import Both, build, with_rules

FLOW = "customer_gp_to_dataverse"
LANE = "to-dataverse"
MAPPINGS = Path(__file__).parents[2] / "sync" / "mappings"


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    """Customers that only come from GP: the way back has tests of its own (test_both_ways, test_new_customers)."""
    return load_all(MAPPINGS, Path(__file__).parent / "one_way")["customer"]


@dataclass
class Rig:
    """The pipeline with everything around it faked."""

    mapping: Mapping
    gp: FakeSource
    dataverse: FakeTarget
    lanes: FakeLanes
    crosswalk_table: FakeTable
    ledger_table: FakeTable
    crosswalk: Crosswalk
    ledger: Ledger
    parked_store: ParkedStore
    runs_table: FakeTable
    runs: Runs
    modes: Modes
    clock: FakeClock
    identities: Identities
    guard: Guard
    pipeline: Pipeline
    deliveries: Deliveries
    braking: Braking
    flows: dict[str, Flow]
    modes_table: FakeTable
    brakes_table: FakeTable

    async def send(
        self, *keys: str, company: str = "TWO", delivery: int = 1, message: Message | None = None
    ) -> Message:
        message = message or Message.new(FLOW, company, keys, "timestamp")
        await self.deliveries.receive(message.to_json(), delivery, LANE)
        return message

    async def rest(self) -> None:
        """What lies on lanes is worked, each message at its time, and what comes of it."""
        while self.lanes.sent:
            lane, message, delay = self.lanes.sent.pop(0)
            later(self.crosswalk_table, timedelta(seconds=delay))
            await self.deliveries.receive(message.to_json(), 1, lane)

    async def missing(self, *keys: str) -> None:
        """Customers vanish from GP; they were looked for once, and time has passed since."""
        for key in keys:
            del self.gp.records["TWO", key]
        await self.send(*keys)
        self.lanes.sent.clear()
        later(self.crosswalk_table, timedelta(minutes=11))

    async def couple(self, key: str, company: str = "TWO") -> Couple:
        return (await self.crosswalk.read(company, "customer", [key]))[key]

    async def history(self, key: str, company: str = "TWO") -> list[Line]:
        return await self.ledger.history(company, "customer", key)

    async def parked(self) -> list[Parked]:
        return [entry async for entry in self.parked_store.list()]


@pytest.fixture
def rig(mapping: Mapping) -> Rig:
    lanes, table, ledger_table = FakeLanes(), FakeTable(), FakeTable()
    crosswalk, ledger, parked = Crosswalk(table), Ledger(ledger_table), ParkedStore(FakeTable())
    flows = in_use(customer_flows(), {"customer": mapping})
    gp, dataverse = FakeSource(mapping), FakeTarget()
    parking = Parking(parked, crosswalk)
    clock = FakeClock()
    modes_table, brakes_table = FakeTable(), FakeTable()
    modes = Modes(modes_table)
    braking = Braking(Brakes(brakes_table), modes, crosswalk, {"customer": mapping}, 1.0)
    identities = Identities(FakeTable())
    guard = Guard(modes, identities, {"dataverse": dataverse.identity}, ["TWO", "THREE"], clock=clock)
    pipeline = Pipeline(
        mappings={"customer": mapping},
        sources={"gp": gp},
        targets={"dataverse": dataverse},
        crosswalk=crosswalk,
        ledger=ledger,
        parking=parking,
        guard=guard,
        braking=braking,
        flows=flows,
        sender=Sender(lanes, 2000),  # type: ignore[arg-type]
        visibility=timedelta(minutes=10),
    )
    runs_table = FakeTable()
    runs = Runs(runs_table)
    deliveries = Deliveries(flows, ["TWO", "THREE"], pipeline, parking, lanes, Pauses(), runs)
    return Rig(
        mapping, gp, dataverse, lanes, table, ledger_table, crosswalk, ledger, parked, runs_table, runs, modes, clock,
        identities, guard, pipeline, deliveries, braking, flows, modes_table, brakes_table,
    )  # fmt: skip


def last_life(message: Message) -> Message:
    """A message of one record whose worker died so often that once more is too often."""
    return message.model_copy(update={"deaths": DEATHS - 1})


@pytest.fixture(scope="session")
def two_way() -> Mapping:
    """Customers both ways, with rules that couple by themselves."""
    return with_rules(load_all(MAPPINGS)["customer"], first_sync="owner")


@pytest.fixture
def both(two_way: Mapping) -> Both:
    return build(two_way)
