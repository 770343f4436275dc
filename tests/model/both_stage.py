"""A stage for directed histories of both directions: one customer with its account, among neighbours."""

import random
import uuid
from collections.abc import Callable
from typing import Any

from sync.mapping_model import Side
from sync.message import Message
from sync.system import Record
from tests.model.agreement import Truth, broken
from tests.model.history import Broken, dice
from tests.model.lanes import Lying
from tests.model.line import COMPANIES, Setting
from tests.model.pool import flow_and_mapping
from tests.model.stage import Stage
from tests.model.world import PROCESSES, World


class BothStage(Stage):
    """`id` is the account, `key` its customer, which is about to get that id when the account comes first."""

    key = "SAM0001"

    def __init__(self, seed: int, approve: str = "never", first_sync: str = "report") -> None:
        flow, mapping = flow_and_mapping(both_ways=True)
        self.rng = random.Random(seed)
        self.world = World(self.rng, Setting.both(flow, mapping, "gp", approve=approve, first_sync=first_sync))
        self.world.dataverse.normalise = lambda _, value: value
        self.truth = Truth()
        self.company = self.rng.choice(COMPANIES)
        self.id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        self.one, self.other = self.rng.sample(range(PROCESSES), 2)
        for company in COMPANIES:
            self.world.run(self.world.poll(company))
        for number in range(self.rng.randrange(3)):
            self._typed(f"N{number}", {"CUSTNAME": f"Neighbour {number}", "HOLD": 0, "INACTIVE": 0})
        self.rest()

    # what happens

    def type(self, **values: Any) -> list[Lying]:
        new = (self.company, self.key) not in self.world.gp.records
        self._typed(self.key, ({"HOLD": 0, "INACTIVE": 0} if new else {}) | values)
        return self.poll()

    def _typed(self, key: str, values: dict[str, Any]) -> None:
        new = (self.company, key) not in self.world.gp.records
        self.world.gp.type(self.company, key, **values)
        self.truth.customer(self.company, self.world.gp.records[self.company, key], values, new=new)

    def write(self, **values: Any) -> list[Lying]:
        """A user makes or edits the account, its webhook comes; the new message."""
        if self.id not in self.world.dataverse.rows:
            blank = dict.fromkeys((*self.world.mapping.attributes, self.world.mapping.dataverse.key))
            values = blank | {"statecode": 0, "creditonhold": False, "customertypecode": 3} | values
            self.truth.made.add(self.id)
        self.world.dataverse.type(self.company, self.id, values)
        self.truth.account(self.id, values)
        before = list(self.world.queues.messages)
        self.world.run(self.world.hook(self.id, self.one))
        return [lying for lying in self.world.queues.messages if lying not in before]

    def vanish(self) -> None:
        """GP does not show the customer."""
        self.world.customers.go((self.company, self.key), self.world.now, told=True)

    def coupled(self) -> None:
        """The account became a customer, and both agree."""
        self.write(name="Sam", fax="+1 414-555-0100")
        self.rest()

    def next_call(self, call: str, fate: str) -> None:
        """The next call of this name is cut `before` it is done, `after` it, or done `late`."""
        self.world.weather.planned[call] = [fate]

    def decide(self, take: Side) -> list[Lying]:
        """A person decides about the only record that waits; the new message."""
        [entry] = self.world.undecided()
        before = list(self.world.queues.messages)
        self.world.run(self.world.decide(entry, take, self.other))
        return [lying for lying in self.world.queues.messages if lying not in before]

    def flow_of(self, lying: Lying) -> str:
        return Message.model_validate_json(lying.body).flow

    # what must hold

    def customer(self) -> Record:
        return self.world.gp.records[self.company, self.key]

    def account(self) -> Record:
        return self.world.dataverse.rows[self.id]

    def holds(self, name: str, value: str) -> None:
        """Both sides hold this in the end. Raises Broken."""
        self.world.settle_down()
        half = self.world.mapping.convert(self.customer().values, self.world.mapping.lookups).fields[name].target
        present = self.account().values[name]
        self.judge([] if half == present == value else [f"{name} is {half!r} and {present!r}, not {value!r}"])

    def rest(self) -> None:
        self.world.settle_down()
        self.judge(broken(self.world, self.truth, looked_again=False))


def play(history: Callable[[BothStage], None], seed: int) -> None:
    """Play a directed history to its end, and look at every record once more. Raises Broken."""
    with dice(seed):
        stage = BothStage(seed, **getattr(history, "rules", {}))
        try:
            history(stage)
            stage.rest()
            stage.world.look_again()
        except AssertionError as error:
            raise Broken(str(error)) from error
        stage.judge(broken(stage.world, stage.truth, looked_again=True))
