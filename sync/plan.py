"""Plans what to do with one record, from what both sides and the crosswalk say (design §3.1, steps 8-11, 18-19). Pure."""

import uuid
from dataclasses import replace

from sync.errors import Rejected
from sync.keys import gp_id_of
from sync.mapping import Problem
from sync.mapping_model import Side
from sync.match import told
from sync.merge import CHOICE
from sync.merging import Meeting, Merged, merge
from sync.missing import Missing, found
from sync.outside import Outside
from sync.persons import Persons
from sync.planning import STATE, Case, Plan
from sync.stores.couple import APPROVED, NONE, UNCOUPLED, Agreed, Couple, Planned, opposite
from sync.succeeding import Succeeding
from sync.system import Record
from sync.value import same, visible
from sync.way import Turned

ACTIVE = 0
DIFFER = "values_differ"


class Planner(Succeeding, Missing, Outside, Persons):
    """Plans the records of one message."""

    def plan(self, case: Case) -> Plan:
        """Decide about one record that has no intent."""
        plan = self._plan(case)
        return replace(plan, couple=found(plan, self._flow.side))

    def _plan(self, case: Case) -> Plan:
        couple = case.couple
        if another := self._perhaps_another(case):
            return another
        if case.source is None:
            return self._counterpart_left(case) or self._missing(case)
        if case.rests:
            return Plan(case, couple, "unchanged since both agreed")
        if self._message.fields and not couple.coupled:
            return Plan(case, couple, "not coupled yet: a backfill of fields leaves it alone")
        if alone := self._left_alone(case, case.source):
            return alone
        if couple.coupled and case.target is None and self._message.reason != "refreshed":
            return self._target_gone(case)
        if doubled := self._doubled(case):
            return doubled
        turned = case.turned or self.turn(case.source, case.target)
        if problems := self._of_this_change(case, case.source, turned):
            return self._park(case, problems[0].code, " ".join(problem.message for problem in problems))
        if case.match.doubt:
            return self._park(case, "possible_duplicate", case.match.doubt)
        try:
            if case.target is None:
                return self._create(case, case.source, turned)
            return self._update(case, case.source, case.target, turned)
        except Rejected as error:
            return self._park(case, error.code, error.message)

    def _of_this_change(self, case: Case, source: Record, turned: Turned) -> list[Problem]:
        """The problems of a record. What can't go back to GP and was not changed in Dataverse is none of them."""
        if self._flow.side == "gp":
            return turned.problems
        base = case.couple.base
        return [
            problem
            for problem in turned.problems
            if problem.field not in base or not same(base[problem.field].d365, source.values.get(problem.field))
        ]

    def _left_alone(self, case: Case, source: Record) -> Plan | None:
        """A record that was merged, that a person took from its counterpart, or that has none to find here."""
        if merged := self._merged_away(case, source):
            return merged
        if case.couple.parked_by(self._flow.side) == UNCOUPLED and not case.couple.answer:
            return self._park(case, UNCOUPLED, f"{case.key} was taken from its counterpart.")
        return self._misplaced(case, source)

    def _target_gone(self, case: Case) -> Plan:
        """Deleted on the other side: that is the other direction's, where there is one."""
        if self._flow.two_way:
            couple = case.couple.with_parked(self._flow.side, "")
            return Plan(case, couple, f"deleted in {self._to}", hand_over=True)
        return self._park(case, "deleted_in_target", f"The {self.entity} of {case.key} was deleted in {self._to}.")

    def _create(self, case: Case, source: Record, turned: Turned) -> Plan:
        """Insert with an id chosen before, so that a second try meets the first (step 18)."""
        couple = case.couple
        if awaiting := self._waits(case):
            return awaiting
        if self._flow.side == "d365" and (waits := self._may_not_be_created(case, source)):
            return waits
        deferred, kept = self._deferred(turned), self._gps_own()
        planned = {
            name: Planned(pair.source, None, pair.target)
            for name, pair in turned.fields.items()
            if name not in deferred and name not in kept
        }
        # Coupled already when the target was put back to a time before the record: made again under the same id.
        other = opposite(self._flow.side)
        new = str(uuid.uuid4()) if self._flow.side == "gp" else case.free
        base = deferred | self._left(turned)
        couple = replace(couple, base=base, coupled=False, unmet=self._unmet(case)).named(
            other, couple.on(other) or new
        )
        columns = self.way.columns(turned, planned, None)
        plan = self._write(case, couple, planned, dict.fromkeys(planned, "new record"), columns, create=True)
        text = "a new one, as a person said" if case.couple.answer == NONE else ""
        return replace(plan, deferred=bool(deferred), text=text)

    def _may_not_be_created(self, case: Case, source: Record) -> Plan | None:
        """Nothing is made in GP before somebody has approved it."""
        if self._mapping.rules.approve == "never" or case.couple.answer == APPROVED:
            return None
        entity = self._mapping.dataverse.entity
        a = "An" if entity[0] in "aeiou" else "A"
        text = f"{a} {entity} would become {self.entity} {case.free} in GP: {told(self._mapping, source)}."
        return self._park(case, "approval_needed", text)

    def _gps_own(self) -> set[str]:
        """What a new customer does not take from its account: GP's own fields, where nobody is asked to approve it."""
        if self._flow.side == "gp" or self._mapping.rules.approve != "never":
            return set()
        return {field.name for field in self._mapping.fields if field.edits == "request"}

    def _deferred(self, turned: Turned) -> dict[str, Agreed]:
        """A row of Dataverse is born active: an inactive one is made so by an update. The base says so from the start,
        so that whoever settles an interrupted create knows that the state is still to be written.
        """
        if self._flow.side == "d365":
            return {}
        return {
            name: Agreed(pair.source, ACTIVE, unsure="d365")
            for name, pair in turned.fields.items()
            if self._mapping.field(name).attribute.type == "State" and pair.target not in (None, ACTIVE)
        }

    def _left(self, turned: Turned) -> dict[str, Agreed]:
        """The base of what is empty in Dataverse and was left to GP's class: whatever either side holds there later is new."""
        left = turned.returned.left if turned.returned else {}
        return {name: Agreed.of(self._flow.side, None, half) for name, half in left.items()}

    def _update(self, case: Case, source: Record, target: Record, turned: Turned) -> Plan:
        couple = case.couple
        side = self._flow.side
        met = couple.coupled and couple.unmet != side and not (couple.unmet and side in (couple.take, couple.granted))
        newly = frozenset(self._message.fields)
        asks = self._mapping.rules.approve == "always"
        meeting = Meeting(couple, source, target, turned, met, newly, self._flow.two_way, asks)
        merged = merge(self.way, self._mapping.fields_by_name, meeting)
        plan = self._merged(case, target, turned, merged)
        return replace(plan, hand_over=bool(merged.others) or self._reopened(case))

    def _merged(self, case: Case, target: Record, turned: Turned, merged: Merged) -> Plan:
        if another := self._another_person(case, target, turned, merged):
            return another
        coupling = not case.couple.coupled
        asked = merged.review or merged.requests
        meets = coupling or case.couple.unmet == self._flow.side
        if asked and ((meets and merged.review) or coupling or not merged.planned):
            code = DIFFER if merged.review else "approval_needed"
            return self._park(case, code, f"{case.key} and its {self.entity} differ: {'; '.join(asked)}.")
        if self._must_ask(case.couple, merged):
            changed = ", ".join(self._told(name, plan) for name, plan in merged.planned.items())
            return self._park(case, "approval_needed", f"{case.key} would change its {self.entity}: {changed}.")
        couple = replace(case.couple.joined(case.beside), base=self._alive(merged.base), unmet=self._unmet(case)).named(
            opposite(self._flow.side), target.key
        )
        claim = self._flow.side == "gp" and not self._carries_key(case, target)
        text = f"coupled {case.match.how}".rstrip() if coupling else ""
        if not merged.planned and not claim:
            done = replace(couple.done_by(self._flow.side), coupled=True)
            return self._skip(
                case,
                done if merged.others else done.unsaid(),
                text or "both agree",
            )
        columns = self.way.columns(turned, merged.planned, target)
        plan = self._write(case, couple, merged.planned, merged.rules, columns, claim=claim)
        return replace(plan, text=text, deferred=bool(asked))

    def _alive(self, base: dict[str, Agreed]) -> dict[str, Agreed]:
        """The base without the note of an earlier delete, where no field is that."""
        return base if STATE in self._mapping.fields_by_name else {k: v for k, v in base.items() if k != STATE}

    def _carries_key(self, case: Case, target: Record) -> bool:
        """Whether the account holds the key of this record, in whatever case: it holds none, or the one before its id changed."""
        held = str(target.values.get(self._mapping.dataverse.key) or "")
        return gp_id_of(case.couple.company, held) == case.key

    def _must_ask(self, couple: Couple, merged: Merged) -> bool:
        """Whether every write to GP is approved first, and this one was not: neither as a whole nor field by field."""
        always = self._flow.side == "d365" and self._mapping.rules.approve == "always"
        approved = couple.granted == "d365" or couple.answer == APPROVED
        return always and not approved and any(rule != CHOICE for rule in merged.rules.values())

    def _told(self, name: str, plan: Planned) -> str:
        """One field's change, for a person to decide."""
        if self._mapping.field(name).secret:
            return f"{name} (hidden)"
        return f"{name} from {visible(repr(plan.old))} to {visible(repr(plan.new))}"

    def _unmet(self, case: Case) -> Side | None:
        """Whose own fields are still to be brought over. A record that was just made has all the others."""
        couple, other = case.couple, opposite(self._flow.side)
        if couple.coupled or not self._flow.two_way:
            return couple.unmet
        return other if case.target or any(field.side == other for field in self._mapping.fields) else None

    def _reopened(self, case: Case) -> bool:
        """Whether the other direction has parked a difference, which may be gone by now: only it can say."""
        return self._flow.side == "d365" and case.couple.parked == DIFFER
