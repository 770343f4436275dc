"""The line as `sync.runtime` builds it, with a world of fakes in place of the clients."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

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
from tests.model.systems import Accounts

if TYPE_CHECKING:
    from tests.model.world import World

DEPTH = 2000
NEVER = 1_000_000
"""The brake has tests of its own: a history holds few records, and changes them often."""

COMPANIES = ("TWO", "THREE")
FIELDS = ("accountnumber", "name", "address1_postalcode", "paymenttermscode", "statecode")
"""What the model maps: one field of each kind the line treats in its own way. More fields cost time and show nothing."""


BOTH_WAYS = ("accountnumber", "name", "telephone1", "fax", "creditonhold", "statecode")
"""What it maps both ways: a field that both sides edit, one that only GP does, one that only Dataverse does, two that
Dataverse may only ask for."""


@dataclass(frozen=True)
class Setting:
    """What a history is about: the flow from GP, its mapping cut to the model's fields, and the flow back, if any."""

    flow: Flow
    mapping: Mapping
    back: Flow | None = None

    @classmethod
    def of(cls, flow: Flow, mapping: Mapping, on_delete: str = "park") -> "Setting":
        """One way, with a delete policy."""
        return cls(replace(flow, two_way=False), _cut(mapping, FIELDS, on_delete=OnDelete(gp=on_delete)))

    @classmethod
    def both(cls, flow: Flow, mapping: Mapping, owner: str, **rules: Any) -> "Setting":
        """Both ways. `owner` is that of the name; `rules` are words of the pair."""
        match = tuple(rule for rule in mapping.rules.match if set(rule.by) <= set(BOTH_WAYS))
        cut = _cut(mapping, BOTH_WAYS, match=match, **rules)
        fields = tuple(
            replace(each, rule=each.rule.model_copy(update={"owner": owner})) if each.name == "name" else each
            for each in cut.fields
        )
        back = Flow(flow.pair, flow.target, flow.source, f"{flow.pair}_{flow.target}_to_{flow.source}", two_way=True)
        return cls(replace(flow, two_way=True), replace(cut, fields=fields), back)

    @property
    def flows(self) -> dict[str, Flow]:
        return {flow.name: flow for flow in (self.flow, self.back) if flow}


def _cut(mapping: Mapping, names: Sequence[str], **rules: Any) -> Mapping:
    brake = mapping.rules.brake.model_copy(update={"at_least": NEVER})
    shown_by = tuple(name for name in mapping.dataverse.shown_by if name in names)
    dataverse = mapping.rules.dataverse.model_copy(update={"shown_by": shown_by})
    cut = mapping.rules.model_copy(update={"brake": brake, "dataverse": dataverse, **rules})
    return replace(mapping, rules=cut, fields=tuple(each for each in mapping.fields if each.name in names))


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


@dataclass(frozen=True)
class Process:
    """One process of the app: what it keeps in memory is its own."""

    deliveries: Deliveries
    intake: Intake
    sender: Sender
    desk: Any
    """What a person's decision needs of `sync.runtime.Runtime`."""


def build(world: "World") -> Process:
    tables, setting = world.tables, world.setting
    flows, mappings = setting.flows, {setting.flow.pair: setting.mapping}
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
        sources={"gp": world.gp, "dataverse": Accounts(world.dataverse)},
        targets={"dataverse": world.dataverse, "gp": world.gp},
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
    intake = Intake(flows, mappings, world.gp, cursors, sender, guard, braking, sweep, rounds)
    desk = SimpleNamespace(flows=flows, mappings=mappings, crosswalk=crosswalk, lanes=lanes)
    return Process(deliveries, intake, sender, desk)
