"""The line as `sync.runtime` builds it, with a world of fakes in place of the clients."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sync.braking import Braking
from sync.delivery import Deliveries
from sync.flow import Flow
from sync.guard import Guard
from sync.intake import Intake
from sync.mapping import Mapping
from sync.mapping_model import OnDelete
from sync.parking import Parking
from sync.passes import Passes
from sync.pauses import Pauses
from sync.pipeline import Pipeline
from sync.rounds import Rounds
from sync.sender import Sender
from sync.stores.brakes import Brakes
from sync.stores.crosswalk import Crosswalk
from sync.stores.cursors import Cursors
from sync.stores.identities import Identities
from sync.stores.ledger import Ledger
from sync.stores.modes import Modes
from sync.stores.parked import ParkedStore
from sync.stores.queues import Lanes
from sync.stores.runs import Runs
from sync.sweep import Sweep
from sync.walks import GpWalk
from tests.model.lanes import VISIBILITY
from tests.model.seams import IntentTable, SteppedTable, Weather

if TYPE_CHECKING:
    from tests.model.world import World

DEPTH = 2000
NEVER = 1_000_000
"""The brake has tests of its own: a history holds few records, and changes them often."""

COMPANIES = ("TWO", "THREE")
FIELDS = ("accountnumber", "name", "address1_postalcode", "paymenttermscode", "statecode")
"""What the model maps: one field of each kind the line treats in its own way. More fields cost time and show nothing."""


@dataclass(frozen=True)
class Setting:
    """What a history is about: the flow, and its mapping cut to the model's fields, with a delete policy."""

    flow: Flow
    mapping: Mapping

    @classmethod
    def of(cls, flow: Flow, mapping: Mapping, on_delete: str = "park") -> "Setting":
        brake = mapping.rules.brake.model_copy(update={"at_least": NEVER})
        rules = mapping.rules.model_copy(update={"on_delete": OnDelete(gp=on_delete), "brake": brake})
        fields = tuple(each for each in mapping.fields if each.name in FIELDS)
        return cls(flow, replace(mapping, rules=rules, fields=fields))


@dataclass
class Tables:
    """Every table of the line; one weather for all."""

    weather: Weather
    crosswalk: IntentTable = field(init=False)
    ledger: SteppedTable = field(init=False)
    parked: SteppedTable = field(init=False)
    cursors: SteppedTable = field(init=False)
    modes: SteppedTable = field(init=False)
    identities: SteppedTable = field(init=False)
    runs: SteppedTable = field(init=False)
    brakes: SteppedTable = field(init=False)

    def __post_init__(self) -> None:
        self.crosswalk = IntentTable("crosswalk", self.weather)
        for name in ("ledger", "parked", "cursors", "modes", "identities", "runs", "brakes"):
            setattr(self, name, SteppedTable(name, self.weather))

    @property
    def all(self) -> list[SteppedTable]:
        return [table for table in vars(self).values() if isinstance(table, SteppedTable)]


def build(world: "World") -> tuple[Deliveries, Intake]:
    """One process of the app: what it keeps in memory is its own."""
    tables, flow = world.tables, world.setting.flow
    flows, mappings = {flow.name: flow}, {flow.pair: world.setting.mapping}
    crosswalk, lanes = Crosswalk(tables.crosswalk), Lanes(world.queues)  # type: ignore[arg-type]
    parking = Parking(ParkedStore(tables.parked), crosswalk)
    modes = Modes(tables.modes, clock=world.clock)
    braking = Braking(Brakes(tables.brakes), modes, crosswalk, mappings, 1.0)
    guard = Guard(
        modes,
        Identities(tables.identities),
        {"dataverse": world.dataverse.identity},
        COMPANIES,
        clock=world.clock,
    )
    sender = Sender(lanes, DEPTH)
    pipeline = Pipeline(
        mappings=mappings,
        sources={"gp": world.gp},
        targets={"dataverse": world.dataverse},
        crosswalk=crosswalk,
        ledger=Ledger(tables.ledger),
        parking=parking,
        guard=guard,
        braking=braking,
        flows=flows,
        sender=sender,
        visibility=VISIBILITY,
    )
    deliveries = Deliveries(flows, COMPANIES, pipeline, parking, lanes, Pauses(), Runs(tables.runs))
    cursors = Cursors(tables.cursors)
    passes = Passes(GpWalk(world.gp, crosswalk), crosswalk, 1.0)
    sweep = Sweep(flows, mappings, passes, cursors, sender, modes, timedelta(hours=24), braking)
    rounds = Rounds(Pauses(), clock=world.clock)
    return deliveries, Intake(flows, mappings, world.gp, cursors, sender, guard, braking, sweep, rounds)
