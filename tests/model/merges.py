"""Seeded histories of accounts that are merged, once or in chains, told in any order or by nobody, while customers are edited."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from sync.flow import Flow
from sync.keys import company_key
from sync.mapping import Mapping
from sync.mapping_model import OnDelete
from sync.system import Record
from tests.model.books import faults_of_books, rows_of
from tests.model.both_ways import CUSTOMER, FATES, PROSPECT
from tests.model.history import EVENTS, POLICIES, Broken, Happenings
from tests.model.line import COMPANIES, Setting
from tests.model.world import PROCESSES, World

MOST = 2
"""Customers; no user makes one of an account, so each one more is the line's fault."""

MOST_ACCOUNTS = 4
"""Prospects that users make; one takes part only once a customer's account was merged into it."""


class Merges(Happenings):
    """One history; everything follows from the seed."""

    def __init__(self, seed: int, mapping: Mapping, flow: Flow) -> None:
        rng = random.Random(seed)
        on_delete = OnDelete(gp=rng.choice(POLICIES), d365=rng.choice(POLICIES))
        setting = Setting.both(flow, mapping, rng.choice(["gp", "d365"]), on_delete=on_delete, approve="never")
        super().__init__(seed, rng, World(rng, setting))
        self.world.dataverse.normalise = lambda _, value: value
        self.company = COMPANIES[0]
        self.made: list[str] = []
        self.merges = self.count = 0

    def type_in_gp(self) -> None:
        """A clerk types a new customer, or edits one."""
        gp, number = self.world.gp, len(self.world.gp.records)
        self.count += 1
        phone = self.rng.choice([None, f"414555{self.count:04}0000"])
        if number < MOST:
            gp.type(self.company, f"C{number}", CUSTNAME=f"Clerk {self.count}", PHONE1=phone, HOLD=0, INACTIVE=0)
        else:
            _, key = self.rng.choice(sorted(gp.records))
            gp.type(self.company, key, **self.rng.choice([{"CUSTNAME": f"Clerk {self.count}"}, {"PHONE1": phone}]))

    def type_in_dataverse(self) -> None:
        """A user makes a prospect, or edits an account, whatever it is."""
        rows = self.world.dataverse.rows
        self.count += 1
        values: dict[str, Any] = {"name": f"Rep {self.count}"}
        if len(self.made) < MOST_ACCOUNTS:
            id_ = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
            self.made.append(id_)
            blank = dict.fromkeys((*self.world.mapping.attributes, self.world.mapping.dataverse.key))
            values |= {"statecode": 0, "creditonhold": self.rng.choice([True, False]), "customertypecode": PROSPECT}
            self.world.dataverse.type(self.company, id_, blank | values)
        elif living := sorted(id_ for id_, row in rows.items() if not row.successor):
            self.world.dataverse.type(self.company, self.rng.choice(living), values)

    def merge(self) -> None:
        """A user merges the account of a customer into another one. It is told by any of both, in any order, or by nobody."""
        dataverse, pick = self.world.dataverse, self.rng.choice
        living = sorted(id_ for id_, row in dataverse.rows.items() if not row.successor)
        ours = [id_ for id_ in living if self._has_customer(id_)]
        if self.rng.random() > 0.6 or not ours or len(living) < 2:
            return
        one = pick(ours)
        other = pick([id_ for id_ in living if id_ != one])
        before = list(dataverse.log)
        dataverse.merge(one, other, **pick([{}, {"customertypecode": CUSTOMER}]))
        told = pick([(one, other), (other, one), (one,), (other,), ()])
        dataverse.log[:] = [*before, *told]
        self.merges += 1
        self.world.say(f"{one[:6]} is merged into {other[:6]}, told: {[id_[:6] for id_ in told]}")

    def _has_customer(self, id_: str) -> bool:
        """Whether a customer's account is this one, or was merged into it. One that a create still makes is not seen by users."""
        rows = self.world.dataverse.rows
        return any(
            row["coupled"] and row["d365"] in rows and end_of(rows, row["d365"]).key == id_
            for row in rows_of(self.world)
        )

    def poll(self) -> None:
        self.world.poll(self.company, self.rng.randrange(PROCESSES))

    def hook(self) -> None:
        if log := self.world.dataverse.log:
            self.world.hook(self.rng.choice(log[-6:]), self.rng.randrange(PROCESSES))

    def delta(self) -> None:
        self.world.delta(self.rng.randrange(PROCESSES))

    def play(self) -> None:
        """Let it happen, let it come to rest, look at every record once more. Raises Broken."""
        pick, world = self.rng.choice, self.world
        world.run(world.poll(self.company))
        for begin in pick([(), (self.type_in_gp, self.type_in_gp, self.type_in_dataverse, self.type_in_dataverse)]):
            begin()
        world.settle_down()
        if not self.calm:
            world.weather.trouble = {system: pick(chances) for system, chances in FATES.items()}
        choices: list[Callable[[], None]] = [
            *[self.step] * 60,
            *[self.deliver] * 8,
            *[self.poll] * 2,
            *[self.hook] * 2,
            self.delta,
            *[self.type_in_gp] * 2,
            *[self.type_in_dataverse] * 2,
            *[self.merge] * 3,
            *[self.pass_time] * 3,
            *([] if self.calm else [self.kill, self.outage, self.land_late]),
        ]
        for _ in range(EVENTS):
            pick(choices)()
        world.settle_down()
        world.look_again()
        faults = self._faults()
        landed = len(world.dataverse.landed), len(world.gp.writes)
        world.look_again()
        faults = faults or self._faults()
        if not faults and landed != (len(world.dataverse.landed), len(world.gp.writes)):
            faults.append("something was written though nothing had changed")
        if faults:
            raise Broken(f"seed {self.seed}: {'; '.join(faults)}")

    def _faults(self) -> list[str]:
        """Every customer has the account that its own one has become, and both agree; or a person is asked, with reason."""
        world, rows = self.world, self.world.dataverse.rows
        owners = Counter(end_of(rows, row["d365"]).key for row in rows_of(world) if row["d365"] in rows)
        waiting = {entry["key"] for entry in world.tables.parked.entities.values() if entry["code"] == "account_merged"}
        faults = [f"customers {sorted(world.gp.records)}"] if len(world.gp.records) > MOST else []
        for row in rows_of(world):
            account = rows.get(row["d365"])
            if account is None:
                faults.append(f"{row['key']} has no account")
            elif account.successor:
                faults += self._left(row, owners[end_of(rows, account.key).key], waiting)
            else:
                faults += self._apart(row["key"], account)
                faults += [f"{row['key']} waits for nothing"] if row["key"] in waiting else []
        coupled = {row["d365"] for row in rows_of(world)}
        held = {row.key for row in rows.values() if row.values["gp365_key"]}
        faults += [f"{id_[:6]} has a key and no customer" for id_ in held - coupled]
        return [*faults, *faults_of_books(world, settled=True)]

    def _left(self, row: Any, owners: int, waiting: set[str]) -> list[str]:
        if row["key"] in waiting and owners > 1:
            return []
        return [f"{row['key']} was left with {row['d365'][:6]}, which was merged; waiting: {row['key'] in waiting}"]

    def _apart(self, key: str, account: Record) -> list[str]:
        record = self.world.gp.records[self.company, key]
        made = self.world.mapping.convert(record.values, self.world.mapping.lookups).fields
        parked = {entry["key"] for entry in self.world.tables.parked.entities.values()}
        if parked & {key, account.key}:
            return [f"{key} or {account.key[:6]} is parked: {list(self.world.tables.parked.entities.values())}"]
        faults = [
            f"{key}: {name} is {half.target!r} in GP, {account.values.get(name)!r} in Dataverse"
            for name, half in made.items()
            if (half.target or None) != (account.values.get(name) or None)
        ]
        if account.values["gp365_key"] != company_key(self.company, key):
            faults.append(f"{key}: its account holds {account.values['gp365_key']}")
        return faults


def end_of(rows: dict[str, Record], id_: str) -> Record:
    """What an account has become by now."""
    record = rows[id_]
    while record.successor:
        record = rows[record.successor]
    return record
