"""Seeded histories of a pair with two directions: people edit both sides, and the line carries each side's edits over."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sync.flow import Flow
from sync.mapping import Mapping
from sync.mapping_model import OnDelete, Side
from sync.stores.parked import Parked
from tests.model.agreement import Truth, broken
from tests.model.books import rows_of
from tests.model.history import EVENTS, POLICIES, Broken, Happenings
from tests.model.line import COMPANIES, Setting
from tests.model.world import PROCESSES, Worker, World

KEYS = ("SAM0001", "SAM0002", "ANN0001", "B")
"""Ids that clerks type: those that accounts of these names are about to get, and one that none gets."""

NAMES = ("Sam", "Ann")
"""Of accounts; no clerk types just the same under just that id."""

MOST_ACCOUNTS = 3
CUSTOMER, PROSPECT = 3, 1
FATES = {
    "dataverse": [0.0, 0.2, 0.5],
    "gp": [0.0, 0.1, 0.4],
    "tables": [0.0, 0.0, 0.05],
    "queues": [0.0, 0.0, 0.1],
}


class BothWays(Happenings):
    """One history; everything follows from the seed."""

    def __init__(self, seed: int, mapping: Mapping, flow: Flow) -> None:
        rng = random.Random(seed)
        pick = rng.choice
        on_delete = OnDelete(gp=pick(POLICIES), d365=pick(POLICIES))
        owner = pick(["gp", "gp", "d365", "review"])
        approve = pick(["never", "create", "create", "always"])
        first_sync = pick(["report", "owner"])
        setting = Setting.both(flow, mapping, owner, on_delete=on_delete, approve=approve, first_sync=first_sync)
        super().__init__(seed, rng, World(rng, setting))
        self.truth = Truth()
        self.companies = COMPANIES[: pick([1, 1, 2])]
        self.keys = KEYS[: pick([1, 2, 4])]
        self.before: dict[tuple[str, str], dict[str, Any]] = {}
        self.forward = timedelta()
        self.count = 0
        if pick([False, True]):
            self.world.dataverse.normalise = _capitals
        else:
            self.world.dataverse.normalise = _as_it_is
        if pick([False, True]):
            self.world.gp.normalise = _small

    # GP's people

    def type_in_gp(self) -> None:
        """A clerk types a new customer or edits one, in one field, or takes the last edit back."""
        company, key = self.rng.choice(self.companies), self.rng.choice(self.keys)
        known = self.world.gp.records.get((company, key))
        if (company, key) in self.world.customers:
            return
        if known is None:
            self._typed(company, key, {"CUSTNAME": f"{self.rng.choice(NAMES)} Ltd", "HOLD": 0, "INACTIVE": 0})
            return
        edit = self._edit_of_gp()
        if self.rng.random() < 0.25:
            edit = self.before.get((company, key), edit)
        self.before[company, key] = {path: known.values[path] for path in edit}
        self._typed(company, key, edit)

    def _edit_of_gp(self) -> dict[str, Any]:
        roll = self.rng.random()
        if roll < 0.5:
            return {"CUSTNAME": f"Clerk {self._number()}"}
        if roll < 0.8:
            return {"PHONE1": f"414555{self._number():04}0000"}
        return self.rng.choice([{"HOLD": 1}, {"HOLD": 0}, {"INACTIVE": 1}, {"INACTIVE": 0}])

    def _typed(self, company: str, key: str, values: dict[str, Any]) -> None:
        new = (company, key) not in self.world.gp.records
        self.world.gp.type(company, key, **values)
        self.truth.customer(company, self.world.gp.records[company, key], values, new=new)
        self.world.say(f"a clerk types {company} {key}: {values}")

    def unmark(self) -> None:
        """Another integration empties the field that holds our mark, perhaps of a customer that is just being made."""
        known = sorted(self.world.gp.records)
        if known and self.rng.random() < 0.3:
            company, key = self.rng.choice(known)
            self.world.gp.unmark(company, key)
            self.world.say(f"the mark of {company} {key} is emptied")

    def delete_in_gp(self) -> None:
        if self.world.gp.records and self.rng.random() < 0.1:
            company, key = self.rng.choice(sorted(self.world.gp.records))
            self.world.gp.delete(company, key)
            self.world.say(f"a clerk deletes {company} {key}")

    def step_clock(self) -> None:
        """GP's clock is put forward by much, or forward and back by a little."""
        if self.rng.random() < 0.2:
            self.forward += timedelta(minutes=self.rng.choice([0, 0, 20]))
            self.world.gp.ahead = self.forward + timedelta(minutes=self.rng.choice([0, 4]))
            self.world.pass_time(timedelta())

    # Dataverse's people

    def edit_in_dataverse(self) -> None:
        """A user makes an account or edits one, in one field."""
        rows = self.world.dataverse.rows
        made = sorted(self.truth.made)
        if len(made) < MOST_ACCOUNTS and (not rows or self.rng.random() < 0.2):
            self._make_account()
        elif rows:
            id_ = self.rng.choice(sorted(rows))
            self._wrote(self.world.dataverse.company[id_], id_, self._edit_of_account())

    def _make_account(self) -> None:
        company, id_ = self.rng.choice(self.companies), str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        kind = PROSPECT if self.rng.random() < 0.2 else CUSTOMER
        blank = dict.fromkeys((*self.world.mapping.attributes, self.world.mapping.dataverse.key))
        values = {"name": self.rng.choice(NAMES), "statecode": 0, "creditonhold": False, "customertypecode": kind}
        if len(self.companies) == 1 and self.rng.random() < 0.15:
            values["accountnumber"] = self.rng.choice(self.keys)
        values["fax"] = self.rng.choice([None, self._fax()])
        self.truth.made.add(id_)
        self._wrote(company, id_, blank | values)

    def _edit_of_account(self) -> dict[str, Any]:
        roll = self.rng.random()
        if roll < 0.4:
            return {"name": f"Rep {self._number()}"}
        if roll < 0.75:
            return {"fax": self._fax()}
        return self.rng.choice(
            [{"creditonhold": True}, {"creditonhold": False}, {"statecode": 1}, {"customertypecode": CUSTOMER}]
        )

    def _wrote(self, company: str, id_: str, values: dict[str, Any]) -> None:
        self.world.dataverse.type(company, id_, values)
        kept = self.world.dataverse.rows[id_].values
        self.truth.account(id_, {name: kept[name] for name in values})
        self.world.say(f"a user writes {company} {id_[:6]}: { {k: v for k, v in values.items() if v is not None} }")

    def delete_in_dataverse(self) -> None:
        if self.world.dataverse.rows and self.rng.random() < 0.1:
            id_ = self.rng.choice(sorted(self.world.dataverse.rows))
            self.world.dataverse.delete(id_)
            self.world.say(f"a user deletes {id_[:6]}")

    def vanish(self) -> None:
        """One of the two sides does not show a record that has a counterpart, for less than ten minutes."""
        if self.rng.random() < 0.5:
            super().vanish()
            return
        coupled = {row["d365"] for row in rows_of(self.world) if row["coupled"]}
        known = coupled & self.world.dataverse.rows.keys() - self.world.accounts.names
        if known and self.rng.random() < 0.3:
            id_ = self.rng.choice(sorted(known))
            self.world.say(f"Dataverse does not show {id_[:6]}")
            self.world.accounts.go(id_, self.world.now, told=self.rng.choice([False, True]))

    def _fax(self) -> str:
        return f"+1 414-555-{self._number():04}"

    def _number(self) -> int:
        self.count += 1
        return self.count

    # how it becomes known

    def poll(self) -> None:
        self.world.poll(self.rng.choice(self.companies), self.rng.randrange(PROCESSES))

    def hook(self) -> None:
        """A webhook: some come twice, late, in another order; those that are never picked are lost."""
        if log := self.world.dataverse.log:
            self.world.hook(self.rng.choice(log[-6:]), self.rng.randrange(PROCESSES))

    def delta(self) -> None:
        if self.rng.random() < 0.3:
            self.world.delta(self.rng.randrange(PROCESSES))

    def decide(self) -> None:
        """A person decides about something that waits."""
        if entries := self.world.undecided():
            self._decide(self.rng.choice(entries), self.rng.randrange(PROCESSES))

    def _decide(self, entry: Parked, process: int) -> Worker:
        new = all(row["d365"] != entry.key or not row["coupled"] for row in rows_of(self.world))
        take: Side = "d365" if entry.code == "approval_needed" and new else self.rng.choice(["gp", "d365"])
        self.truth.choice(self.world, entry, take)
        self.world.say(f"a person takes {take} for {entry.company} {entry.key[:7]}, {entry.code}")
        return self.world.decide(entry, take, process)

    # the history

    def play(self) -> None:
        """Let it happen, let it come to rest, decide what waits, look at every record once more. Raises Broken."""
        pick = self.rng.choice
        for company in COMPANIES:
            self.world.run(self.world.poll(company))
        if not self.calm:
            self.world.weather.trouble = {system: pick(chances) for system, chances in FATES.items()}
        rough = [self.kill, self.outage, self.land_late, self.step_clock] + [self.unmark] * pick([0, 1])
        rough += [self.vanish] * pick([0, 0, 2])
        choices: list[Callable[[], None]] = [
            *[self.step] * 60,
            *[self.deliver] * 8,
            *[self.poll] * 2,
            *[self.hook] * 3,
            self.delta,
            *[self.type_in_gp] * pick([1, 3]),
            *[self.edit_in_dataverse] * pick([1, 3]),
            *[self.decide] * 2,
            *[self.pass_time] * 3,
            *([] if self.calm else rough),
            *[self.delete_in_gp] * pick([0, 0, 1]),
            *[self.delete_in_dataverse] * pick([0, 0, 1]),
        ]
        for _ in range(EVENTS):
            pick(choices)()
        self._judge()

    def _judge(self) -> None:
        world = self.world
        world.settle_down()
        faults = broken(world, self.truth, looked_again=False)
        world.sweep_all()
        world.look_again()
        faults = faults or broken(world, self.truth, looked_again=True)
        faults = faults or self._decide_all()
        faults = faults or broken(world, self.truth, looked_again=True)
        landed = len(world.dataverse.landed), len(world.gp.writes)
        world.look_again()
        faults = faults or broken(world, self.truth, looked_again=True)
        for writes, before in zip((world.dataverse.landed, world.gp.writes), landed, strict=True):
            if len(writes) > before:
                faults.append(f"{writes[before:]} was written though nothing had changed")
        if faults:
            raise Broken(f"seed {self.seed}: {'; '.join(faults)}")

    def _decide_all(self) -> list[str]:
        """What still waits though a person has decided about it and nothing happened since."""
        for _ in range(3):
            entries = self.world.undecided()
            for entry in entries:
                self.world.run(self._decide(entry, 0))
            self.world.settle_down()
            self.world.look_again()
            left = {(entry.company, entry.key, entry.code) for entry in self.world.undecided()}
            if still := left & {(entry.company, entry.key, entry.code) for entry in entries}:
                return [f"decided, and still waiting: {still}"]
        return []


def _capitals(name: str, value: Any) -> Any:
    """A plug-in of Dataverse."""
    return value.upper() if name == "name" and isinstance(value, str) else value


def _small(path: str, value: Any) -> Any:
    """A Post procedure of GP's."""
    return value.lower() if path == "CUSTNAME" and isinstance(value, str) else value


def _as_it_is(_: str, value: Any) -> Any:
    return value
