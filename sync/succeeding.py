"""Plans what becomes of a customer whose account was merged into another: it follows, or waits for a person. Pure.

The direction to Dataverse moves the couple, since only that one writes there; the other hands over.
"""

from dataclasses import replace

from sync.keys import gp_id_of
from sync.match import told
from sync.planning import Case, Heir, Plan, Planning
from sync.stores.couple import Agreed, Couple
from sync.system import Record
from sync.value import Value, same, visible

MERGED = "account_merged"


class Succeeding(Planning):
    """The part of planning that is about whose a counterpart is."""

    def _doubled(self, case: Case) -> Plan | None:
        """A record that is perhaps a known one under a new id, or whose counterpart has another one already, or was
        merged into another one.
        """
        if case.unclear:
            return self._park(case, "id_change_unclear", case.unclear)
        if case.claimed_by:
            text = f"The {self.entity} with the key of {case.key} is coupled with {case.claimed_by} already."
            return self._park(case, "duplicate_in_target", text)
        return self._follow(case, case.heir) if case.heir else None

    def _merged_away(self, case: Case, source: Record) -> Plan | None:
        """A source that was merged into another, or into which a coupled one was merged: never a new customer."""
        couple = case.couple
        if inherited := case.inherits:
            text = f"{inherited.id} was merged into it: its customer {inherited.key} follows first"
            return replace(self._skip(case, couple, text), hand_over=True)
        if not source.successor:
            return None
        text = f"merged into {source.successor}"
        if couple.key and not self._flow.two_way:
            return self._park(case, MERGED, f"{case.key} was {text}, and nothing is written to {self._from}.")
        return replace(self._skip(case, couple, text), hand_over=bool(couple.key))

    def _follow(self, case: Case, heir: Heir) -> Plan:
        """A record whose target was merged into another."""
        couple, target = case.couple, case.target
        assert target is not None
        if case.renamed:  # one transaction can't take over the row of its own that either of the two new ids may have
            return Plan(case, couple, "", again=True)
        if not couple.coupled and couple.answer:
            return Plan(case, replace(couple, id=""), "", again=True, former=target)
        away = f"The {self.entity} of {case.key} ({told(self._mapping, target)}) was merged into"
        if heir.record is None:
            return self._park(case, MERGED, f"{away} {target.successor}; what took its place in the end is not there.")
        if owner := self._owner(case, heir.record, heir.row):
            return self._park(case, MERGED, f"{away} {told(self._mapping, heir.record)}, which belongs to {owner}.")
        text = f"{self.entity} {target.key} was merged into {heir.record.key}"
        return Plan(case, self._taken_over(couple, heir.record, heir.row), text, again=True, former=target)

    def _owner(self, case: Case, record: Record, row: Couple | None) -> str:
        """Whose the heir is already, by the crosswalk, a person's word, or its key; blank when it is free."""
        held = str(record.values.get(self._mapping.dataverse.key) or "")
        by_key = "" if gp_id_of(case.couple.company, held) == case.key else visible(held)
        known = (row.key or row.chosen) if row else ""
        return next((each for each in (known, by_key) if each and each != case.key), "")

    def _taken_over(self, couple: Couple, record: Record, row: Couple | None) -> Couple:
        """The couple with the heir. One that was none yet becomes it as if a person had said so."""
        if not couple.coupled:
            return replace(couple, id="", base={}, answer=record.key)
        base = {name: self._inherited(name, agreed, record) for name, agreed in couple.base.items()}
        moved = replace(couple.unsaid(), id=record.key, base=base, turns={}, discarded="", parked_d365="")
        return replace(moved, beside=row if row and row.etag else None)

    def _inherited(self, name: str, agreed: Agreed, record: Record) -> Agreed:
        """The base of a field with the heir. What both people see and the heir holds is an edit in Dataverse: whoever merged
        the two has chosen it. What is GP's own, and what the heir lacks, comes from GP.
        """
        present, mapped = record.values.get(name), self._mapping.fields_by_name.get(name)
        if mapped is None or same(agreed.d365, present):
            return agreed
        if mapped.side == "d365" or (mapped.side is None and not _is_empty(present)):
            return agreed
        return Agreed(agreed.gp, present, unsure="gp")


def _is_empty(value: Value) -> bool:
    return value is None or value == ""
