"""The real line in a world of fakes, driven step by step: processes die at any seam, messages come twice, calls land
after their caller gave up, people edit both sides, the target keeps values in its own way.
"""

import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sync.message import Message, Reason
from tests.fakes import START
from tests.model.lanes import Lying, QueueService
from tests.model.line import COMPANIES, Setting, Tables, build
from tests.model.seams import Killed, Seam, Weather
from tests.model.systems import SteppedDataverse, SteppedGp

PROCESSES = 2


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
            return f"process {self.process}, a look at GP"
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
        self.queues = QueueService(self.weather, self.now)
        self.tables = Tables(self.weather)
        self.processes = [build(self) for _ in range(PROCESSES)]
        self.workers: list[Worker] = []
        self.steps = self.deaths = 0
        self.tell: Callable[[str], None] | None = None
        """Is told the story, for whoever replays a history."""

    def clock(self) -> float:
        """Seconds, as a process counts them."""
        return self.now.timestamp()

    # who is at work

    def poll(self, company: str, process: int = 0) -> Worker:
        """A poll of a company begins."""
        return self._begin(process, lambda: self.processes[process][1].poll(company))

    def sweep(self, company: str, process: int = 0) -> Worker:
        """A whole sweep of a company begins."""
        return self._begin(process, lambda: self.processes[process][1].sweep(company, whole=True))

    def deliver(self, lying: Lying, process: int = 0) -> Worker | None:
        """The host hands a message to a process."""
        if not self.queues.delivered(lying):
            return None
        lane, deliveries = lying.queue.removesuffix("-poison"), self.processes[process][0]
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
        if self.tell:
            self.tell(f"{self.now:%d %H:%M:%S}  {worker.what}: {worker.at if lives else 'ended'}")
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
        except Exception:
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
        if self.tell:
            self.tell(f"process {process} is killed")
        for worker in [worker for worker in self.workers if worker.process == process]:
            self.workers.remove(worker)
            worker.steps.close()
        self.processes[process] = build(self)

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        self.queues.pass_time(self.now)
        for table in self.tables.all:
            table.now = self.now

    # coming to rest

    def settle_down(self) -> None:
        """No more trouble: what is under way ends, what lies waiting is worked. Raises when it never ends."""
        self.weather.clear()
        for company in COMPANIES:
            self.run_all()
            self.poll(company)
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
        """Every record that either side knows is looked at once more."""
        for company in COMPANIES:
            known = {row["key"] for (_, name), row in self.tables.crosswalk.entities.items() if name.startswith("gp~")}
            keys = sorted(known | {key for where, key in self.gp.records if where == company})
            if keys:
                message = Message.new(self.flow.name, company, keys, reason)
                self.queues.queues.add(self.flow.lane)
                self.queues.messages.append(Lying(self.flow.lane, message.to_json(), self.now))
                self.queues.sent.append(message.to_json())
        self.settle_down()
