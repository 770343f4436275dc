"""Seeded histories of customers whose ids are changed in GP, told in either order, late, twice, or by nobody."""

import random
from collections.abc import Callable

from sync.flow import Flow
from sync.keys import company_key
from sync.mapping import Mapping
from tests.model.books import faults_of_books, rows_of
from tests.model.history import EVENTS, POLICIES, Broken, Happenings
from tests.model.line import COMPANIES, Setting
from tests.model.world import PROCESSES, World

MOST = 3
"""Customers; each keeps its name, and no id is given twice."""


class IdChanges(Happenings):
    """One history of a flow from GP; everything follows from the seed."""

    def __init__(self, seed: int, mapping: Mapping, flow: Flow) -> None:
        rng = random.Random(seed)
        super().__init__(seed, rng, World(rng, Setting.of(flow, mapping, rng.choice(POLICIES))))
        self.count = self.changes = 0

    def _fresh(self) -> str:
        self.count += 1
        return f"C{self.count}"

    def type_in_gp(self) -> None:
        """A clerk types a new customer, or edits one."""
        gp, company = self.world.gp, COMPANIES[0]
        values = {"ZIP": self.rng.choice(["A1", "B2", None]), "INACTIVE": self.rng.choice([0, 0, 1])}
        if len(gp.records) < MOST:
            key = self._fresh()
            gp.type(company, key, CUSTNAME=f"Name of {key}", **values)
        else:
            gp.type(company, self.rng.choice(sorted(key for _, key in gp.records)), **values)

    def change_id(self) -> None:
        """A tool changes an id. The feed tells both ids in either order, or none of them: then the sweep has to find it."""
        gp, company = self.world.gp, COMPANIES[0]
        if not gp.records:
            return
        old, new = self.rng.choice(sorted(key for _, key in gp.records)), self._fresh()
        gp.change_id(company, old, new)
        told = self.rng.choice([(old, new), (new, old), (old,), (new,), ()])
        gp.log += [(company, key) for key in told]
        self.changes += 1
        self.world.say(f"the id {old} is changed to {new}, told: {told}")

    def poll(self) -> None:
        self.world.poll(COMPANIES[0], self.rng.randrange(PROCESSES))

    def play(self) -> None:
        """Let it happen, let it come to rest, look at every record once more. Raises Broken."""
        pick, world = self.rng.choice, self.world
        world.run(world.poll(COMPANIES[0]))
        if not self.calm:
            world.weather.trouble = {"dataverse": pick([0.0, 0.3, 0.6]), "tables": pick([0.0, 0.05])}
        choices: list[Callable[[], None]] = [
            *[self.step] * 60,
            *[self.deliver] * 8,
            *[self.poll] * 3,
            *[self.type_in_gp] * 2,
            *[self.change_id] * pick([1, 2]),
            *[self.pass_time] * 3,
            *([] if self.calm else [self.kill, self.outage, self.land_late]),
        ]
        for _ in range(EVENTS):
            pick(choices)()
        world.settle_down()
        world.sweep_all()
        faults = self._faults()
        world.look_again()
        faults = faults or self._faults()
        if faults:
            raise Broken(f"seed {self.seed}: {'; '.join(faults)}")

    def _faults(self) -> list[str]:
        """Every customer has the account that it always had, under its present id, and nobody waits."""
        world, company = self.world, COMPANIES[0]
        held = {str(row.values["gp365_key"]) for row in world.dataverse.rows.values()}
        wanted = {company_key(company, key) for _, key in world.gp.records}
        active = [row for row in rows_of(world) if row["d365"]]
        faults = [f"{entry['key']} is parked: {entry['message']}" for entry in world.tables.parked.entities.values()]
        if held != wanted or len(world.dataverse.rows) != len(wanted):
            faults.append(f"accounts {sorted(held)} of {len(world.dataverse.rows)}, customers {sorted(wanted)}")
        if {row["key"] for row in active} != {key for _, key in world.gp.records}:
            faults.append(f"couples {sorted(row['key'] for row in active)}")
        for record in world.gp.records.values():
            names = [row.values["accountnumber"] for row in world.dataverse.rows.values()
                     if row.values["name"] == record.values["CUSTNAME"]]  # fmt: skip
            if names != [record.key]:
                faults.append(f"{record.key} has accounts {names}")
        return [*faults, *faults_of_books(world, settled=True)]
