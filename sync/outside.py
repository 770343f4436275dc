"""Plans what to do with a record that takes no part in its pair, by the pair's scope on either side, or none before the record
that it belongs to. Pure.
"""

from dataclasses import replace

from sync.errors import Rejected, RetryLater
from sync.keys import gp_id_of
from sync.mapping_model import Parent
from sync.planning import Case, Plan, Planning
from sync.stores.couple import LEFT
from sync.system import Record


class Outside(Planning):
    """Of a record of Dataverse the scope is asked only once, of one of GP always."""

    def _misplaced(self, case: Case, source: Record) -> Plan | None:
        """A record that does not take part, or one of Dataverse that belongs to another company."""
        couple, side = case.couple, self._flow.side
        try:
            if side == "gp":
                return None if self._mapping.takes_part(source.values) else self._outside(case)
            if couple.coupled:
                return self._counterpart_left(case)
            if not self._mapping.in_scope(source.values):
                return Plan(case, couple.with_parked("d365", ""), "takes no part, by its scope")
            self._mapping.company_of(source.values, (couple.company,))
            return self._carries(case, source) or self._waits(case)
        except Rejected as error:
            return self._park(case, error.code, error.message)

    def _counterpart_left(self, case: Case) -> Plan | None:
        """A record of Dataverse whose counterpart in GP takes no part any more: what becomes of the two the flow from GP says,
        which ends the couple when the record is gone.
        """
        couple, target = case.couple, case.target
        if self._flow.side == "gp" or target is None or not couple.coupled:
            return None
        try:
            if self._mapping.takes_part(target.values):
                return None
        except Rejected as error:
            return self._park(case, error.code, error.message)
        untold = self._mapping.rules.on_leave == "park" and couple.parked != LEFT
        plan = self._skip(case, couple, f"{couple.key} takes no part any more, by its scope in GP")
        return replace(plan, hand_over=case.source is None or untold)

    def _carries(self, case: Case, source: Record) -> Plan | None:
        """One that belongs to another and holds a key of ours already is no new record of GP, whatever the crosswalk has lost."""
        key = gp_id_of(case.couple.company, str(source.values.get(self._mapping.dataverse.key) or ""))
        if self._mapping.parent is None or not key:
            return None
        plan = self._skip(case, case.couple, f"holds the key of {key}, and is coupled from GP")
        return replace(plan, hand_over=True, carried=key)

    def _outside(self, case: Case) -> Plan:
        """A record of GP that does not take part, and one that took part until now. Where its counterpart was deleted, nothing
        is left of the couple, so that the record is a new one when it comes back.
        """
        couple, target = case.couple, case.target
        if target is None or target.key != couple.id:
            alone = replace(couple.named("d365", ""), coupled=False, base={}, lineage=None)
            return self._skip(case, alone if couple.coupled else couple, "takes no part, by its scope")
        if self._mapping.rules.on_leave == "ignore":
            return self._skip(case, couple, "takes no part any more, kept in Dataverse by policy")
        return self._park(case, LEFT, f"{case.key} takes no part any more, by its scope.")

    def _waits(self, case: Case) -> Plan | None:
        """A record is not made before the one that it belongs to."""
        parent, known = self._mapping.parent, case.parent
        if parent is None or (known and known.coupled and known.key and known.id):
            return None
        if self._flow.side == "d365":
            return self._alone(case, parent)
        key = self._mapping.parent_key(case.key)
        text = f"waits for its {parent.pair} {key}"
        later = RetryLater(f"{case.key} {text}.", code="parent_missing")
        return Plan(case, case.couple, text, awaits=key, later=later)

    def _alone(self, case: Case, parent: Parent) -> Plan:
        """An account may never become a customer, so nothing waits for that: whoever makes the customer sends what belongs to
        it (`sync.children`). While that one is at work the record comes back.
        """
        known = case.parent
        if known and (known.intent or known.doubt):
            text = f"waits for its {parent.entity}, which is becoming {parent.pair} {known.key}"
            code = "in_progress" if known.intent else "parent_missing"
            return Plan(case, case.couple, text, later=RetryLater(f"{case.key} {text}.", code=code))
        return self._skip(case, case.couple, f"its {parent.entity} is no {parent.pair} in GP yet")
