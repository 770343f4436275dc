"""The real line in a world of fakes, driven step by step: workers die at any seam, messages come twice, requests land after
their caller gave up, people edit both sides, the target keeps values in its own way. No event loop: every await of the line
ends in a seam, and the schedule decides who goes on.
"""

import random
import uuid
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from sync.delivery import Deliveries
from sync.errors import RetryLater
from sync.flow import Flow
from sync.guard import Guard
from sync.mapping import Mapping
from sync.message import Message
from sync.parking import Parking
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.stores.crosswalk import Crosswalk
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger
from sync.stores.modes import Modes
from sync.stores.parked import ParkedStore
from sync.stores.runs import Runs
from sync.stores.transactions import Operation
from sync.system import Record, Verdict, Write
from tests.fakes import START, FakeSource, FakeTable, FakeTarget

FLOW = "customer_gp_to_dataverse"
LANE = "to-dataverse"
VISIBILITY = timedelta(minutes=10)


class Seam:
    """A place where a worker can be stopped, or die."""

    def __await__(self) -> Generator[None]:
        yield


class SteppedTable(FakeTable):
    """A table whose every call has a seam before it and one after it."""

    async def rows(self, partition: str, row_keys: Sequence[str], *, close: bool = False) -> Any:
        await Seam()
        return await super().rows(partition, row_keys)

    async def get(self, partition: str, row: str) -> Any:
        await Seam()
        return await super().get(partition, row)

    async def put(self, entity: dict[str, Any]) -> None:
        await Seam()
        await super().put(entity)
        await Seam()

    async def delete(self, partition: str, row: str) -> None:
        await Seam()
        await super().delete(partition, row)
        await Seam()

    async def transact(self, groups: Sequence[Sequence[Operation]]) -> list[list[str] | None]:
        await Seam()
        done = await super().transact(groups)
        await Seam()
        return done


class SteppedSource(FakeSource):
    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        await Seam()
        found = await super().read(company, mapping, keys)
        await Seam()
        return found


@dataclass
class Late:
    """A request whose caller gave up: it lands when the schedule says so."""

    company: str
    mapping: Mapping
    writes: list[Write]


class SteppedTarget(FakeTarget):
    """Dataverse that may answer, cut before, cut after, or land later; it keeps postal codes in capitals."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.trouble = 0.0
        self.late: list[Late] = []
        self.normalise = lambda name, value: (
            value.upper() if name == "address1_postalcode" and isinstance(value, str) else value
        )

    async def read(self, mapping: Mapping, ids: Sequence[str]) -> dict[str, Record]:
        await Seam()
        return await super().read(mapping, ids)

    async def find(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        await Seam()
        return await super().find(company, mapping, keys)

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        await Seam()
        fate = self.rng.random()
        if fate < self.trouble / 3:
            raise RetryLater("cut before", code="system_unreachable")
        if fate < self.trouble * 2 / 3:
            self.late.append(Late(company, mapping, list(writes)))
            raise RetryLater("no answer", code="system_unreachable")
        verdicts = [self._one(company, mapping, write) for write in writes]
        await Seam()
        if fate < self.trouble:
            raise RetryLater("cut after", code="system_unreachable")
        return verdicts

    def land(self, late: Late) -> None:
        for write in late.writes:
            self._one(late.company, late.mapping, write)


@dataclass
class Lying:
    """A message on the lane. `hidden_until` is when it can be delivered (again)."""

    body: str
    deliveries: int = 0
    hidden_until: datetime = START


@dataclass
class Worker:
    lying: Lying
    delivery: int
    steps: Coroutine[Any, Any, None]


@dataclass
class Queue:
    """The lane: at least once, in any order."""

    world: "World"
    messages: list[Lying] = field(default_factory=list)

    async def send(self, lane: str, message: Message, delay: float = 0) -> None:
        await Seam()
        self.messages.append(Lying(message.to_json(), hidden_until=self.world.now + timedelta(seconds=delay)))
        await Seam()


class World:
    """One history: everything follows from the seed."""

    def __init__(self, seed: int, mapping: Mapping, flow: Flow) -> None:
        self.rng = random.Random(seed)
        self.mapping = mapping
        self.now = START
        self.keys = [f"C{n}" for n in range(self.rng.choice([1, 1, 2, 3]))]
        self.crosswalk_table, self.ledger_table, self.parked_table = SteppedTable(), SteppedTable(), SteppedTable()
        self.tables = [self.crosswalk_table, self.ledger_table, self.parked_table]
        self.gp, self.dataverse, self.queue = SteppedSource(mapping), SteppedTarget(self.rng), Queue(self)
        self.workers: list[Worker] = []
        self.touched: set[str] = set()
        self.before: dict[str, dict[str, Any]] = {}
        self.crosswalk, self.ledger = Crosswalk(self.crosswalk_table), Ledger(self.ledger_table)
        self.parked = ParkedStore(self.parked_table)
        parking = Parking(self.parked, self.crosswalk)
        pipeline = Pipeline(
            mappings={flow.pair: mapping},
            sources={"gp": self.gp},
            targets={"dataverse": self.dataverse},
            crosswalk=self.crosswalk,
            ledger=self.ledger,
            parking=parking,
            guard=Guard(Modes(FakeTable()), Identities(FakeTable()), {"dataverse": self.dataverse.identity}, ["TWO"]),
            visibility=VISIBILITY,
        )
        self.deliveries = Deliveries(
            {FLOW: flow}, ["TWO"], pipeline, parking, self.queue, Pauses(), Runs(SteppedTable())
        )

    # what can happen

    def type_in_gp(self) -> None:
        """A clerk types or changes a customer, or takes the last change back, and the feed sees it."""
        key = self.rng.choice(self.keys)
        zip_code = self.rng.choice(["sw1a 1aa", "SW1A 1AA", None])
        values = {"CUSTNAME": f"Name {self.rng.randrange(2)}", "INACTIVE": self.rng.choice([0, 0, 1]), "ZIP": zip_code}
        if self.rng.random() < 0.4:
            values = self.before.get(key, values)
        if ("TWO", key) in self.gp.records:
            self.before[key] = {name: self.gp.records["TWO", key].values[name] for name in values}
        self.gp.type_customer("TWO", key, **values)
        keys = self.rng.sample(self.keys, self.rng.randint(1, len(self.keys))) if self.rng.random() < 0.3 else [key]
        message = Message.new(FLOW, "TWO", sorted({key, *keys}), "timestamp")
        self.queue.messages.append(Lying(message.to_json()))

    def edit_in_dataverse(self) -> None:
        """A user edits an account: a column that is not ours, or one that is."""
        if not self.dataverse.rows:
            return
        id_ = self.rng.choice(sorted(self.dataverse.rows))
        if self.rng.random() < 0.5:
            self.dataverse.edit(id_, description=f"note {self.rng.randrange(10**6)}")
        else:
            self.dataverse.edit(id_, name=f"By hand {self.rng.randrange(3)}")
            self.touched.add(str(self.dataverse.rows[id_].values["gp365_key"]))

    def deliver(self) -> None:
        ready = [m for m in self.queue.messages if m.hidden_until <= self.now]
        if ready:
            self.start(self.rng.choice(ready))

    def start(self, lying: Lying) -> None:
        lying.deliveries += 1
        lying.hidden_until = self.now + VISIBILITY
        steps = self.deliveries.receive(lying.body, lying.deliveries, LANE)
        self.workers.append(Worker(lying, lying.deliveries, steps))

    def step(self) -> None:
        if not self.workers:
            return
        worker = self.rng.choice(self.workers)
        try:
            worker.steps.send(None)
        except StopIteration:
            self.workers.remove(worker)
            # A queue deletes for its latest receiver only: an earlier pop receipt is stale.
            if worker.lying in self.queue.messages and worker.delivery == worker.lying.deliveries:
                self.queue.messages.remove(worker.lying)

    def kill(self) -> None:
        if self.workers:
            worker = self.workers.pop(self.rng.randrange(len(self.workers)))
            worker.steps.close()

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        for table in self.tables:
            table.now = self.now

    def land_late(self) -> None:
        if self.dataverse.late and self.rng.random() < 0.3:
            self.dataverse.land(self.dataverse.late.pop(self.rng.randrange(len(self.dataverse.late))))

    # the history

    def run(self, events: int) -> None:
        """Let things happen in a random order, then let everything come to rest."""
        self.dataverse.trouble = self.rng.choice([0.0, 0.3, 0.6])
        deaths = self.rng.choice([0, 0, 1, 3])
        choices = [
            *[self.step] * 60,
            *[self.deliver] * 8,
            *[self.type_in_gp] * self.rng.choice([1, 3]),
            *[self.edit_in_dataverse] * self.rng.choice([0, 0, 2]),
            self.land_late,
            *[self.kill] * deaths,
            *[lambda: self.pass_time(timedelta(minutes=self.rng.choice([1, 4, 11])))] * 3,
        ]
        for _ in range(events):
            self.rng.choice(choices)()
        self.settle_down()

    def settle_down(self) -> None:
        """No more trouble: what is under way ends, what lies waiting is worked. Raises when it never ends."""
        self.dataverse.trouble = 0.0
        for _ in range(2000):
            while self.workers:
                self.step()
            if self.dataverse.late and (not self.queue.messages or self.rng.random() < 0.2):
                self.land_late()
            elif not self.queue.messages:
                return
            self.pass_time(timedelta(minutes=16))
            self.deliver()
        raise AssertionError("the messages never end")

    def ask_again(self) -> None:
        """A change event of every record: what a sweep would send."""
        self.queue.messages.append(Lying(Message.new(FLOW, "TWO", self.keys, "reread").to_json()))
        self.settle_down()

    # what must hold

    def faults(self, *, swept: bool) -> list[str]:
        """Every promise that this history broke.

        An intent may outlive its message until a sweep looks at the record: the message's latest receiver was done, while
        an earlier one, whose claim had run out, still lived, stored an intent and died.
        """
        return [
            *self._doubled(),
            *self._differing(),
            *(self._intents_left() if swept else []),
            *(f"parked: {entity['key']} {entity['code']}" for entity in self.parked_table.entities.values()),
            *self._ledger_faults(),
        ]

    def _accounts(self) -> dict[str, list[Record]]:
        by_key: dict[str, list[Record]] = {}
        for row in self.dataverse.rows.values():
            by_key.setdefault(str(row.values["gp365_key"]), []).append(row)
        return by_key

    def _doubled(self) -> list[str]:
        counts = {key: len(rows) for key, rows in self._accounts().items()}
        wanted = {f"TWO-{key}" for _, key in self.gp.records}
        return [f"{key} has {count} accounts" for key, count in counts.items() if count != 1] + [
            f"{key} has no account" for key in wanted - counts.keys()
        ]

    def _differing(self) -> list[str]:
        faults = []
        for (_, key), record in self.gp.records.items():
            for row in self._accounts().get(f"TWO-{key}", []):
                wanted = self.mapping.convert(record.values, {}).fields
                for name in ("name", "statecode", "address1_postalcode"):
                    value = self.dataverse.normalise(name, wanted[name].target)
                    if row.values.get(name) != value and not (name == "name" and f"TWO-{key}" in self.touched):
                        faults.append(f"{key}.{name} is {row.values.get(name)!r}, not {value!r}")
        return faults

    def _intents_left(self) -> list[str]:
        rows = self.crosswalk_table.entities.values()
        return [f"{row['key']} still has an intent" for row in rows if row.get("intent")]

    def _ledger_faults(self) -> list[str]:
        created: dict[str, int] = {}
        for row in self.ledger_table.entities.values():
            created[row["key"]] = created.get(row["key"], 0) + (row["result"] == "created")
        return [f"{key} was created {count} times by the ledger" for key, count in created.items() if count > 1]


def history(seed: int, mapping: Mapping, flow: Flow, events: int = 400) -> World:
    """One whole history, at rest, every record looked at once more. The same seed gives the same history."""
    dice = random.Random(seed)
    with (
        mock.patch("uuid.uuid4", side_effect=lambda: uuid.UUID(int=dice.getrandbits(128), version=4)),
        mock.patch("random.uniform", dice.uniform),
    ):
        world = World(seed, mapping, flow)
        world.run(events)
        before = world.faults(swept=False)
        world.ask_again()
        world.touched.clear()
        after = world.faults(swept=True)
    if before or after:
        raise AssertionError(f"seed {seed}: {before or after}")
    return world
