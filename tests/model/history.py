"""Seeded histories: things happen in a random order, then everything comes to rest, and the promises are looked at."""

import logging
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from sync.flow import Flow
from sync.mapping import Mapping
from tests.model.books import company_of, rows_of
from tests.model.line import COMPANIES, Setting
from tests.model.promises import BAD_TERMS, broken
from tests.model.systems import KILLS, REFUSED
from tests.model.world import PROCESSES, World

POLICIES = ("park", "deactivate", "ignore")
EVENTS = 300


class Broken(AssertionError):
    """A history broke a promise: its seed plays it again."""


class Happenings:
    """What can happen in any history. Every fourth is calm: no trouble at all, so that whatever is written in vain is the
    line's own fault.
    """

    def __init__(self, seed: int, rng: random.Random, world: World) -> None:
        self.seed, self.rng, self.world = seed, rng, world
        self.calm = seed % 4 == 3
        self.deaths = 0 if self.calm else rng.choice([0, 0, 1, 3])

    def play(self) -> None:
        """Let it happen, and judge it. Raises Broken."""
        raise NotImplementedError

    def deliver(self) -> None:
        if ready := self.world.queues.ready():
            self.world.deliver(self.rng.choice(ready), self.rng.randrange(PROCESSES))

    def step(self) -> None:
        if self.world.workers:
            self.world.step(self.rng.choice(self.world.workers))

    def kill(self) -> None:
        if self.deaths and self.world.workers:
            self.deaths -= 1
            self.world.kill(self.rng.choice(self.world.workers).process)

    def pass_time(self) -> None:
        if not (self.calm and self.world.workers):
            self.world.pass_time(timedelta(minutes=self.rng.choice([1, 4, 11])))

    def land_late(self) -> None:
        if self.world.weather.late and self.rng.random() < 0.3:
            self.world.dataverse.land(self.rng)

    def vanish(self) -> None:
        """GP does not show a customer that has an account, for less than ten minutes."""
        coupled = {(company_of(row), row["key"]) for row in rows_of(self.world) if row["coupled"]}
        known = coupled & self.world.gp.records.keys() - self.world.customers.names
        if known and self.rng.random() < 0.3:
            name = self.rng.choice(sorted(known))
            self.world.say(f"GP does not show {name}")
            self.world.customers.go(name, self.world.now, told=self.rng.choice([False, True]))

    def outage(self) -> None:
        """A system stops answering, or all of them answer again."""
        down = self.world.weather.down
        if down:
            down.clear()
        elif self.rng.random() < 0.2:
            down.add(self.rng.choice(["gp", "dataverse", "tables", "queues"]))


class History(Happenings):
    """One history of a flow from GP: everything follows from the seed. The even ones are all about races and trouble."""

    def __init__(self, seed: int, mapping: Mapping, flow: Flow) -> None:
        rng = random.Random(seed)
        super().__init__(seed, rng, World(rng, Setting.of(flow, mapping, rng.choice(POLICIES))))
        pick = rng.choice
        self.companies = COMPANIES[: pick([1, 1, 2])]
        self.keys = [f"C{n}" for n in range(pick([1, 1, 2, 3]))]
        self.touched: set[str] = set()
        self.notes: dict[str, str] = {}
        self.bad = pick([0.0, 0.0, 0.1])
        self.killers = 0 if self.calm else pick([0, 0, 0, 1])
        self.before: dict[tuple[str, str], dict[str, object]] = {}

    # what can happen

    def _record(self) -> tuple[str, str]:
        return self.rng.choice(self.companies), self.rng.choice(self.keys)

    def type_in_gp(self) -> None:
        """A clerk types or changes a customer, or takes the last change back."""
        company, key = self._record()
        if (company, key) in self.world.customers:
            return
        values: dict[str, object] = {
            "CUSTNAME": self._name(),
            "INACTIVE": self.rng.choice([0, 0, 1]),
            "ZIP": self.rng.choice(["sw1a 1aa", "SW1A 1AA", None]),
            "PYMTRMID": BAD_TERMS if self.rng.random() < self.bad else self.rng.choice(["Net 30", None]),
        }
        if self.rng.random() < 0.4:
            values = self.before.get((company, key), values)
        if known := self.world.gp.records.get((company, key)):
            self.before[company, key] = {name: known.values[name] for name in values}
        self.world.gp.type(company, key, **values)

    def _name(self) -> str:
        roll = self.rng.random()
        if self.killers and roll < 0.03:
            self.killers -= 1
            return KILLS
        return REFUSED if roll > 1 - self.bad else f"Name {self.rng.randrange(2)}"

    def delete_in_gp(self) -> None:
        if self.world.gp.records and self.rng.random() < 0.3:
            self.world.gp.delete(*self.rng.choice(sorted(self.world.gp.records)))

    def edit_in_dataverse(self) -> None:
        """A user edits an account: a column that is not ours, or one that is."""
        if not self.world.dataverse.rows:
            return
        id_ = self.rng.choice(sorted(self.world.dataverse.rows))
        if self.rng.random() < 0.5:
            self.notes[id_] = f"note {self.rng.randrange(10**6)}"
            self.world.dataverse.edit(id_, description=self.notes[id_])
        else:
            self.world.dataverse.edit(id_, name=f"By hand {self.rng.randrange(3)}")
            self.touched.add(str(self.world.dataverse.rows[id_].values["gp365_key"]))

    def delete_in_dataverse(self) -> None:
        if self.world.dataverse.rows and self.rng.random() < 0.1:
            self.world.dataverse.delete(self.rng.choice(sorted(self.world.dataverse.rows)))

    def poll(self) -> None:
        self.world.poll(self.rng.choice(self.companies), self.rng.randrange(PROCESSES))

    # the history

    def play(self) -> None:
        """Let it happen, let it come to rest, look at every record once more. Raises Broken."""
        pick = self.rng.choice
        self._first_polls()
        if not self.calm:
            self.world.weather.trouble = {
                "dataverse": pick([0.0, 0.3, 0.6]), "tables": pick([0.0, 0.0, 0.05]),
                "queues": pick([0.0, 0.0, 0.1]), "gp": pick([0.0, 0.0, 0.1]),
            }  # fmt: skip
        rough = [self.kill, self.outage, self.land_late] + [self.vanish] * pick([0, 0, 2])
        choices: list[Callable[[], None]] = [
            *[self.step] * 60,
            *[self.deliver] * 8,
            *[self.poll] * 3,
            *[self.type_in_gp] * pick([1, 3]),
            *[self.pass_time] * 3,
            *([] if self.calm else rough + [self.edit_in_dataverse] * pick([0, 0, 2])),
            *[self.delete_in_gp] * pick([0, 0, 1]),
            *([self.delete_in_dataverse] if not self.calm and pick([0, 0, 1]) else []),
        ]
        for _ in range(EVENTS):
            pick(choices)()
        self._judge()

    def _first_polls(self) -> None:
        for company in COMPANIES:
            self.world.run(self.world.poll(company))

    def _judge(self) -> None:
        world = self.world
        world.settle_down()
        faults = broken(world, looked_again=False, touched=self.touched) + self._vain()
        world.sweep_all()
        faults = faults or broken(world, looked_again=False, swept=True, touched=self.touched)
        world.look_again()
        faults = faults or broken(world, looked_again=True)
        landed = len(world.dataverse.landed)
        world.look_again()
        faults = faults or broken(world, looked_again=True)
        if len(world.dataverse.landed) > landed:
            faults.append(f"{world.dataverse.landed[landed:]} was written though nothing had changed")
        faults += [
            f"the note of {id_} is lost" for id_, note in self.notes.items()
            if id_ not in world.dataverse.deleted and world.dataverse.rows[id_].values["description"] != note
        ]  # fmt: skip
        if faults:
            raise Broken(f"seed {self.seed}: {'; '.join(faults)}")

    def _vain(self) -> list[str]:
        """In a calm history nobody is interrupted, so nothing is fenced off and nothing refused for having moved."""
        fences, refusals = self.world.dataverse.fences, self.world.dataverse.refusals
        return [f"{fences} fences and {refusals} refusals without need"] if self.calm and fences + refusals else []


@contextmanager
def dice(seed: int) -> Iterator[None]:
    """Ids and pauses of the line from a seed; its log kept silent."""
    rng = random.Random(~seed)

    def ids() -> uuid.UUID:
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    logging.disable(logging.CRITICAL)
    try:
        with (
            mock.patch("uuid.uuid4", ids),
            mock.patch("random.uniform", rng.uniform),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
