"""Plans what to do with one record, from what both sides and the crosswalk say (design §3.1, steps 8-11, 18-19). Pure."""

import uuid
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, replace

from sync.errors import CODES, Rejected
from sync.flow import Flow
from sync.mapping import Converted, MappedField, Mapping
from sync.match import INACTIVE, NEW, Match
from sync.merge import Move, Sides, decide
from sync.message import Message
from sync.stores.couple import NONE, Agreed, Couple, Intent, Planned
from sync.stores.ledger import FieldChange
from sync.system import Record, Write
from sync.value import Value, visible

ACTIVE = 0
MASK = "***"


@dataclass(frozen=True)
class Case:
    """Everything known of one record in this round: read in this order and never another."""

    couple: Couple
    source: Record | None
    target: Record | None = None
    claimed_by: str = ""
    """The key of another record that the target is coupled with already."""
    match: Match = NEW
    """How the target was found, when it was not this record's before."""
    converted: Converted | None = None
    """What the source's values become, where that is known already."""


@dataclass(frozen=True)
class Plan:
    """What to do with one record. `couple` is the crosswalk row to store before anything is written.

    With `write` set, `couple` carries the intent; `deferred` says that some fields can be written only afterwards. With
    `error` set the record is parked. With neither it ends as a skip, for the reason in `text`; the row is stored only
    when it differs.
    """

    case: Case
    couple: Couple
    text: str
    write: Write | None = None
    changes: tuple[FieldChange, ...] = ()
    deferred: bool = False
    error: Rejected | None = None

    @property
    def stores(self) -> bool:
        return self.couple != self.case.couple


@dataclass
class _Merged:
    """The fields of one record: their base, what is to be written and by which rule, what a person must look at."""

    base: dict[str, Agreed]
    planned: dict[str, Planned] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    review: list[str] = field(default_factory=list)


class Planner:
    """Plans the records of one message."""

    def __init__(self, flow: Flow, mapping: Mapping, lookups: Table[str, Table[str, Value]], message: Message) -> None:
        self._flow = flow
        self._mapping = mapping
        self._lookups = lookups
        self._message = message

    def plan(self, case: Case) -> Plan:
        """Decide about one record that has no intent."""
        couple = case.couple
        if case.source is None:
            return self._source_gone(case)
        if couple.identity and couple.identity != case.source.identity:
            return self._park(case, "key_reused", f"GP gave the id {couple.key} to another record.")
        if self._message.fields and not couple.coupled:
            return Plan(case, couple, "not coupled yet: a backfill of fields leaves it alone")
        if couple.coupled and case.target is None and self._message.reason != "refreshed":
            return self._park(case, "deleted_in_target", f"The account of {couple.key} was deleted in Dataverse.")
        if case.claimed_by:
            text = f"The account with the key of {couple.key} is coupled with {case.claimed_by} already."
            return self._park(case, "duplicate_in_target", text)
        converted = case.converted or self.convert(case.source)
        if converted.problems:
            problem = converted.problems[0]
            return self._park(case, problem.code, " ".join(p.message for p in converted.problems))
        if case.match.doubt:
            return self._park(case, "possible_duplicate", case.match.doubt)
        if case.target is None:
            return self._create(case, converted)
        return self._update(case, case.target, converted)

    def convert(self, source: Record) -> Converted:
        """What a record of the source would write, and all its problems."""
        return self._mapping.convert(source.values, self._lookups)

    def _source_gone(self, case: Case) -> Plan:
        couple = case.couple
        if case.target is None:
            gone = "deleted in GP and in Dataverse" if couple.coupled else "not in GP"
            return self._skip(case, _settled(couple) if couple.coupled else couple, gone)
        if self._mapping.on_delete == "ignore":
            return self._skip(case, couple, "deleted in GP, kept in Dataverse by policy")
        if self._mapping.on_delete == "park":
            return self._park(case, "deleted_in_source", f"{couple.key} was deleted in GP.")
        if case.target.values.get("statecode") == INACTIVE:
            return self._skip(case, _settled(couple), "deleted in GP, inactive in Dataverse")
        planned = {"statecode": Planned(None, case.target.values.get("statecode"), INACTIVE)}
        return self._write(case, couple, planned, {"statecode": "deleted in GP"})

    def _create(self, case: Case, converted: Converted) -> Plan:
        """Insert with an id chosen here, so that a second try meets the first (step 18).

        A record is born active: an inactive one is made so by an update. The base says so from the start, so that
        whoever settles an interrupted create knows that the state is still to be written.
        """
        deferred = {
            name: Agreed(pair.source, ACTIVE, unsure=True)
            for name, pair in converted.fields.items()
            if self._mapping.field(name).attribute.type == "State" and pair.target not in (None, ACTIVE)
        }
        planned = {
            name: Planned(pair.source, None, pair.target)
            for name, pair in converted.fields.items()
            if name not in deferred
        }
        # Coupled already when Dataverse was put back to a time before the record: made again under the same id.
        couple = replace(case.couple, id=case.couple.id or str(uuid.uuid4()), base=deferred, coupled=False)
        plan = self._write(case, couple, planned, dict.fromkeys(planned, "new record"), create=True)
        text = "a new one, as a person said" if case.couple.answer == NONE else ""
        return replace(plan, deferred=bool(deferred), text=text)

    def _update(self, case: Case, target: Record, converted: Converted) -> Plan:
        coupling = not case.couple.coupled
        merged = self._merge(case, target, converted)
        if merged.review:
            text = f"{case.couple.key} and its {self._mapping.dataverse.entity} differ: {'; '.join(merged.review)}."
            return self._park(case, "values_differ", text)
        couple = replace(case.couple, id=target.key, base=merged.base)
        claim = coupling and not target.values.get(self._mapping.dataverse.key)
        text = f"coupled {case.match.how}".rstrip() if coupling else ""
        if not merged.planned and not claim:
            return self._skip(case, replace(couple, coupled=True), text or "both agree")
        plan = self._write(case, couple, merged.planned, merged.rules, claim=claim)
        return replace(plan, text=text)

    def _merge(self, case: Case, target: Record, converted: Converted) -> "_Merged":
        """What becomes of each field. A record that another id was reserved for, or none, is met for the first time."""
        coupling = not case.couple.coupled
        # Coupled only once all fields agree: until then a field without a base is one that never agreed.
        merged = _Merged({} if coupling else dict(case.couple.base))
        for name, pair in converted.fields.items():
            mapped = self._mapping.field(name)
            newly = name in self._message.fields
            first_sync = mapped.first_sync if newly or target.key != case.couple.id else "gp"
            sides = Sides(pair.source, pair.target, target.values.get(name), merged.base.get(name))
            move, rule = decide(sides, coupling=coupling or newly, first_sync=first_sync)
            if move is Move.REBASE:
                merged.base[name] = Agreed(pair.source, sides.present)
            if move is Move.WRITE:
                merged.planned[name] = Planned(pair.source, sides.present, pair.target)
                merged.rules[name] = rule
            if move is Move.REVIEW:
                merged.review.append(_difference(mapped, sides))
        return merged

    def _write(
        self,
        case: Case,
        couple: Couple,
        planned: dict[str, Planned],
        rules: dict[str, str],
        *,
        create: bool = False,
        claim: bool = False,
    ) -> Plan:
        attempt = uuid.uuid4().hex
        version = case.target.version if case.target else ""
        message = self._message
        intent = Intent(
            attempt=attempt,
            message_id=message.message_id,
            target=self._flow.target,
            create=create,
            version=version,
            fields=planned,
            flow=message.flow,
            reason=message.reason,
            seen_at=message.at.isoformat(),
        )
        values = {name: plan.new for name, plan in planned.items()}
        write = Write(couple.id, values, attempt, create=create, claim=claim, version=version, key=couple.key)
        changes = tuple(field_change(self._mapping, name, plan, rules[name]) for name, plan in planned.items())
        stored = replace(couple, intent=intent, identity=_identity(case), discarded="")
        return Plan(case, stored, "", write=write, changes=changes)

    def _skip(self, case: Case, couple: Couple, text: str) -> Plan:
        if couple.etag or couple.coupled:
            couple = replace(couple, identity=_identity(case), parked="")
            couple = replace(couple, discarded=couple.discarded if case.source is None else "")
        return Plan(case, couple, text)

    def _park(self, case: Case, code: str, text: str) -> Plan:
        error = Rejected(
            text,
            code=code,
            system=self._flow.source,
            entity=self._mapping.gp.entity,
            key=case.couple.key,
            details=CODES[code].meaning,
        )
        return Plan(case, replace(case.couple, parked=code, discarded=""), text, error=error)


def field_change(mapping: Mapping, name: str, plan: Planned, rule: str) -> FieldChange:
    """What the ledger may tell of one value: secret fields are masked."""
    mapped = mapping.fields_by_name.get(name)
    if mapped and mapped.secret:
        return FieldChange(name, MASK, MASK, rule)
    return FieldChange(name, plan.old, plan.new, rule)


def _difference(mapped: MappedField, sides: Sides) -> str:
    """Both values of a field, for a person to decide."""
    if mapped.secret:
        return f"{mapped.name} (hidden)"
    return f"{mapped.name} would be {visible(repr(sides.wanted))}, Dataverse holds {visible(repr(sides.present))}"


def _settled(couple: Couple) -> Couple:
    """The base says that the source is gone and the counterpart with it: see `Couple.settled_delete`."""
    return replace(couple, base=couple.base | {"statecode": Agreed(None, INACTIVE)})


def _identity(case: Case) -> str:
    return case.source.identity if case.source else case.couple.identity
