"""The real line in a world of fakes, driven step by step: processes die at any seam, messages come twice, calls land
after their caller gave up, people edit both sides, the target keeps values in its own way.
"""

import json
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sync.errors import SyncError
from sync.flow import Flow
from sync.mapping_model import Side
from sync.message import Message, Reason
from sync.operations.resolve import DECIDED, resolve
from sync.stores.couple import Agreed
from sync.stores.parked import Parked
from sync.value import from_json
from tests.fakes import START
from tests.model.away import Away
from tests.model.lanes import Lying, QueueService
from tests.model.line import COMPANIES, Setting, Tables, build
from tests.model.seams import Killed, Seam, Weather
from tests.model.systems import SteppedDataverse, SteppedGp

PROCESSES = 2
ECHOES = 12
"""So many looks at both sides must be enough until nothing changes any more."""


@dataclass(eq=False)
class Worker:
    """A function under way in a process: the delivery of a message, or a poll."""

    process: int
    steps: Coroutine[Any, Any, Any]
    lying: Lying | None = None
    delivery: int = 0
    at: str = ""
    """The seam it stands at."""

    @property
    def what(self) -> str:
        """Who it is, for the story."""
        if self.lying is None:
            return f"process {self.process}, a look"
        message = Message.model_validate_json(self.lying.body)
        keys = " ".join(message.keys)
        return f"process {self.process}, {message.company} {keys} ({message.message_id[:6]}, delivery {self.delivery})"


class World:
    """The line and everything around it. `steps` and `deaths` count what was played."""

    def __init__(self, rng: random.Random, setting: Setting) -> None:
        self.rng, self.setting, self.now = rng, setting, START
        self.flow, self.mapping = setting.flow, setting.mapping
        self.weather = Weather(rng)
        self.gp = SteppedGp(self.mapping, self.weather, self.flow.pair)
        self.dataverse = SteppedDataverse(self.weather)
        self.customers = Away(self.gp.records, self.gp.log)
        self.accounts = Away(self.dataverse.rows, self.dataverse.log)
        self.queues = QueueService(self.weather, self.now)
        self.tables = Tables(self.weather)
        self.processes = [build(self) for _ in range(PROCESSES)]
        self.workers: list[Worker] = []
        self.steps = self.deaths = 0
        self.seen = 0
        """How much of Dataverse's log the looks at it have seen."""
        self.tell: Callable[[str], None] | None = None
        """Is told the story, for whoever replays a history."""

    def say(self, what: str) -> None:
        if self.tell:
            self.tell(f"{self.now:%d %H:%M:%S}  {what}")

    def base(self, row: Any) -> dict[str, Agreed]:
        """The base of a row of the crosswalk."""
        halves = json.loads(row["base"]).items()
        return {name: Agreed(from_json(gp), from_json(d365), unsure) for name, (gp, d365, unsure) in halves}

    def clock(self) -> float:
        """Seconds, as a process counts them."""
        return self.now.timestamp()

    # who is at work

    def poll(self, company: str, process: int = 0) -> Worker:
        """A poll of a company begins."""
        return self._begin(process, lambda: self.processes[process].intake.poll(company))

    def sweep(self, company: str, process: int = 0) -> Worker:
        """A whole sweep of a company begins."""
        return self._begin(process, lambda: self.processes[process].intake.sweep(company, whole=True))

    def hook(self, id_: str, process: int = 0) -> Worker:
        """A webhook about an account comes in."""
        return self._begin(process, lambda: self._tell(process, [id_], "webhook"))

    def delta(self, process: int = 0) -> Worker:
        """A look at what changed in Dataverse since the last one."""

        async def look() -> None:
            seen, log = self.seen, list(self.dataverse.log)
            await self._tell(process, log[seen:], "delta")
            self.seen = max(self.seen, len(log))

        return self._begin(process, look)

    async def _tell(self, process: int, ids: Iterable[str], reason: Reason) -> None:
        assert self.setting.back
        for company in COMPANIES:
            here = [id_ for id_ in dict.fromkeys(ids) if self.dataverse.company[id_] == company]
            if here:
                await self.processes[process].sender.send(self.setting.back, company, here, reason)

    def decide(self, entry: Parked, take: Side, process: int = 0) -> Worker:
        """A person decides about a parked record."""
        return self._begin(process, lambda: resolve(self.processes[process].desk, [entry], take))

    def undecided(self) -> list[Parked]:
        """What waits for such a decision."""
        rows = self.tables.parked.entities.values()
        return [
            Parked(**{name: row[name] for name in Parked.__dataclass_fields__})
            for row in rows
            if row["code"] in DECIDED
        ]

    def deliver(self, lying: Lying, process: int = 0) -> Worker | None:
        """The host hands a message to a process."""
        if not self.queues.delivered(lying):
            return None
        lane, deliveries = lying.queue.removesuffix("-poison"), self.processes[process].deliveries
        if lane == lying.queue:
            delivery = lying.deliveries
            return self._begin(process, lambda: deliveries.receive(lying.body, delivery, lane), lying)
        return self._begin(process, lambda: deliveries.drain(lying.body, lane), lying)

    def _begin(self, process: int, function: Callable[[], Awaitable[Any]], lying: Lying | None = None) -> Worker:
        async def steps() -> None:
            await Seam("the start")
            await function()

        worker = Worker(process, steps(), lying, lying.deliveries if lying else 0)
        worker.at = worker.steps.send(None)
        self.workers.append(worker)
        return worker

    def step(self, worker: Worker) -> bool:
        """One worker goes on to its next seam; False when it has ended."""
        lives = self._step(worker)
        if self.tell:  # who it is takes long to say
            self.say(f"{worker.what}: {worker.at if lives else 'ended'}")
        return lives

    def _step(self, worker: Worker) -> bool:
        self.steps += 1
        try:
            worker.at = worker.steps.send(None)
        except StopIteration:
            self._end(worker)
            if worker.lying:
                self.queues.done(worker.lying, worker.delivery)
        except Killed:
            self.kill(worker.process)
        except Exception as error:
            if worker.lying is None and not isinstance(error, SyncError):
                raise  # a look may fail for a reason that it knows, and for no other
            self._end(worker)
            if worker.lying:
                self.queues.failed(worker.lying, worker.delivery)
        return worker in self.workers

    def _end(self, worker: Worker) -> None:
        self.workers.remove(worker)

    def run(self, worker: Worker | None, until: str = "") -> None:
        """A worker goes on until it stands at a seam, or to its end."""
        while worker and self.step(worker) and (not until or worker.at != until):
            pass

    def kill(self, process: int) -> None:
        """SIGKILL: whatever a process was working on stops where it stands."""
        self.deaths += 1
        self.say(f"process {process} is killed")
        for worker in [worker for worker in self.workers if worker.process == process]:
            self.workers.remove(worker)
            worker.steps.close()
        self.processes[process] = build(self)

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        self.customers.back(self.now)
        self.accounts.back(self.now)
        self.gp.now = self.now + self.gp.ahead
        self.queues.pass_time(self.now)
        for table in self.tables.all:
            table.now = self.now

    # coming to rest

    def settle_down(self) -> None:
        """No more trouble: what is away returns, what is under way ends, what lies waiting is worked, and what comes of it
        too, until nothing changes any more. Raises when it never ends.
        """
        self.weather.clear()
        self.customers.back()
        self.accounts.back()
        for _ in range(ECHOES):
            before = self._changes()
            for company in COMPANIES:
                self.run_all()
                self.poll(company)
            if self.setting.back:
                self.run_all()
                self.delta()
            self._work_all()
            if self._changes() == before:
                return
        raise AssertionError("the echoes never end")

    def _changes(self) -> int:
        return len(self.gp.log) + (len(self.dataverse.log) if self.setting.back else 0)

    def _work_all(self) -> None:
        for _ in range(300):
            self.run_all()
            if self.weather.late and (not self.queues.messages or self.rng.random() < 0.2):
                self.dataverse.land(self.rng)
            elif not self.queues.messages:
                return
            self.pass_time(self.queues.until_next())
            ready = self.queues.ready()
            for lying in self.rng.sample(ready, min(len(ready), 4)):
                self.deliver(lying, self.rng.randrange(PROCESSES))
        raise AssertionError("the messages never end")

    def run_all(self) -> None:
        while self.workers:
            self.step(self.rng.choice(self.workers))

    def sweep_all(self) -> None:
        """The sweep goes over every company, once whatever was left behind is old enough."""
        self.pass_time(timedelta(minutes=31))
        for company in COMPANIES:
            self.run(self.sweep(company))
        self.settle_down()

    def look_again(self, reason: Reason = "reread") -> None:
        """Every record that either side knows is looked at once more, from both sides."""
        rows = [row for row in self.tables.crosswalk.entities.values() if "d365" in row]
        for company in COMPANIES:
            here = [row for row in rows if row["PartitionKey"].startswith(f"{company}.")]
            typed = {key for where, key in self.gp.records if where == company}
            self._look(self.setting.flow, company, {row["key"] for row in here if row["key"]} | typed, reason)
            if self.setting.back:
                made = {id_ for id_, where in self.dataverse.company.items() if where == company}
                self._look(self.setting.back, company, {row["d365"] for row in here if row["d365"]} | made, reason)
        self.settle_down()

    def _look(self, flow: Flow, company: str, keys: set[str], reason: Reason) -> None:
        if keys:
            message = Message.new(flow.name, company, sorted(keys), reason)
            self.queues.queues.add(flow.lane)
            self.queues.messages.append(Lying(flow.lane, message.to_json(), self.now))
            self.queues.sent.append(message.to_json())
