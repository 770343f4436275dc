"""A stage for directed histories: one race, played call by call; the seed varies only what does not matter."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sync.keys import company_key
from sync.system import Record
from tests.model.history import Broken, dice
from tests.model.lanes import Lying
from tests.model.line import COMPANIES, Setting
from tests.model.pool import flow_and_mapping
from tests.model.promises import broken
from tests.model.world import PROCESSES, Worker, World

POLICIES = ("park", "deactivate", "ignore")
MUCH_LATER = timedelta(minutes=31)
"""Longer than a message stays invisible, and than any pause."""


class Stage:
    """One customer, `key` of `company`, among neighbours that have arrived before. `one` and `other` are processes."""

    def __init__(self, seed: int) -> None:
        flow, mapping = flow_and_mapping()
        self.rng = random.Random(seed)
        self.world = World(self.rng, Setting.of(flow, mapping, self.rng.choice(POLICIES)))
        self.company = self.rng.choice(COMPANIES)
        self.key = self.rng.choice(["A", "C 1", "Z-9"])
        self.one, self.other = self.rng.sample(range(PROCESSES), 2)
        for company in COMPANIES:
            self.world.run(self.world.poll(company))
        for number in range(self.rng.randrange(3)):
            self.world.gp.type(self.company, f"N{number}", CUSTNAME=f"Neighbour {number}")
        self.rest()

    # what happens

    def type(self, **values: Any) -> list[Lying]:
        """A clerk types the customer, a poll sees it; the new messages."""
        self.world.gp.type(self.company, self.key, **({"PYMTRMID": "Net 30"} | values))
        return self.poll()

    def poll(self) -> list[Lying]:
        before = list(self.world.queues.messages)
        self.world.run(self.world.poll(self.company, self.one))
        return [lying for lying in self.world.queues.messages if lying not in before]

    def arrived(self, **values: Any) -> None:
        """The customer was typed, and its account agrees."""
        self.type(**values)
        self.rest()

    def start(self, lying: Lying, process: int, until: str) -> Worker:
        """A message is delivered to a process, which works until it stands at a seam."""
        worker = self.world.deliver(lying, process)
        assert worker
        self.world.run(worker, until)
        if worker.at != until:
            raise AssertionError(f"it never came to {until}")
        return worker

    def work(self, lying: Lying, process: int) -> list[Lying]:
        """A message is delivered and worked to its end; what it put on the lanes."""
        before = list(self.world.queues.messages)
        self.world.run(self.world.deliver(lying, process))
        return [each for each in self.world.queues.messages if each not in before]

    def next_write(self, fate: str) -> None:
        """The next write is cut `before` it is done, `after` it, or done `late`."""
        self.world.weather.planned["dataverse.write"] = [fate]

    def land(self) -> None:
        """The late write lands now."""
        self.world.dataverse.land(self.rng)

    def pass_time(self, by: timedelta = MUCH_LATER) -> None:
        self.world.pass_time(by)

    # what must hold

    def account(self) -> Record:
        [row] = [
            row
            for row in self.world.dataverse.rows.values()
            if row.values["gp365_key"] == company_key(self.company, self.key)
        ]
        return row

    def rest(self) -> None:
        """Everything comes to rest. Raises Broken."""
        self.world.settle_down()
        self.judge(broken(self.world, looked_again=False))

    def judge(self, faults: list[str]) -> None:
        if faults:
            raise Broken("; ".join(faults))


def play(history: Callable[[Stage], None], seed: int) -> None:
    """Play a directed history to its end, and look at every record once more. Raises Broken."""
    with dice(seed):
        stage = Stage(seed)
        history(stage)
        stage.rest()
        stage.world.look_again()
        stage.judge(broken(stage.world, looked_again=True))
