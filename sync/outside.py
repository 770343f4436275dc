"""Plans what to do with a record that takes no part in its pair, by the pair's scope on either side, or none before the record
that it belongs to. Pure.
"""

from dataclasses import replace

from sync.errors import Rejected, RetryLater
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
                return None
            if not self._mapping.in_scope(source.values):
                return Plan(case, couple.with_parked("d365", ""), "takes no part, by its scope")
            self._mapping.company_of(source.values, (couple.company,))
        except Rejected as error:
            return self._park(case, error.code, error.message)
        return None

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
        parent, known = self._mapping.rules.parent, case.parent
        if parent is None or (known and known.coupled and known.id):
            return None
        key = self._mapping.parent_key(case.key)
        text = f"waits for its {parent.pair} {key}"
        later = RetryLater(f"{case.key} {text}.", code="parent_missing")
        return Plan(case, case.couple, text, awaits=key, later=later)
