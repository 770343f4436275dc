"""Plans what to do with a record that its source does not hold: nothing at the first look, what the pair's policy says when
it is missing still at a later one (docs/decisions/0017). Pure.
"""

from dataclasses import replace

from sync.errors import RetryLater
from sync.mapping_model import Side
from sync.match import INACTIVE
from sync.planning import STATE, Case, Plan, Planning
from sync.stores.couple import Couple, Planned, opposite
from sync.system import Record
from sync.value import Value, same

MISSING = "missing"
"""The cause for which a record that was not found is looked for once more."""


def found(plan: Plan, side: Side) -> Couple:
    """The plan's couple without the mark of a record that is there again, or that nobody comes back for: a record that is
    parked for another cause, or about which nothing is left to do. `side` is the source's.
    """
    couple, case = plan.couple, plan.case
    there = {where for where, record in ((side, case.source), (opposite(side), case.target)) if record}
    ends = not (plan.later or plan.again)
    missing = None if couple.missing in there or (ends and couple.missing == side) else couple.missing
    gone_from = None if couple.gone_from in there else couple.gone_from
    if (missing, gone_from) == (couple.missing, couple.gone_from):
        return couple
    return replace(couple, missing=missing, gone_from=gone_from)


class Missing(Planning):
    """Two looks, as far apart as a message stays invisible: by the time that storage gives the row of the first one. So no
    redelivery, no doubled message and no second worker is taken for the second look.
    """

    def _missing(self, case: Case) -> Plan:
        couple, side = case.couple, self._flow.side
        if case.lives_as:
            return Plan(case, couple, f"its id in GP is {case.lives_as} by now", hand_on=case.lives_as)
        gone = self._gone(case)
        if not (gone.error or gone.stores) or couple.gone_from == side or not (couple.coupled or case.target):
            return gone
        if couple.missing == side and couple.age >= self._span:
            return replace(gone, couple=replace(gone.couple, missing=None, gone_from=side))
        return self._look_again(case, gone)

    def _look_again(self, case: Case, gone: Plan) -> Plan:
        """The mark is stored once: it would grow no older if each look renewed it. Where both records are missing, the direction
        that marked the couple first ends first: if each took the other's mark for its own, neither would ever be old enough.
        """
        then = "it is parked" if gone.error else f"its {self.entity} is made inactive" if gone.write else gone.text
        minutes = self._span.total_seconds() / 60
        text = f"not found in {self._from}; when it is missing still after {minutes:g} minutes: {then}"
        later = RetryLater(f"{case.key} was {text}.", code=MISSING)
        couple = case.couple if self._is_others(case) else replace(case.couple, missing=self._flow.side)
        return Plan(case, couple, text, later=later)

    def _is_others(self, case: Case) -> bool:
        """Whether the other direction is about to look again, and will have done so before long."""
        couple = case.couple
        return case.target is None and couple.missing == opposite(self._flow.side) and couple.age < 2 * self._span

    def _gone(self, case: Case) -> Plan:
        """What is to be done when it is gone."""
        couple, policy = case.couple, self._mapping.on_delete_of(self._flow.side)
        if case.target is None:
            gone = f"deleted in {self._from} and in {self._to}" if couple.coupled else f"not in {self._from}"
            return self._skip(case, self._settled(couple) if couple.coupled else couple, gone)
        if case.orphaned:
            return self._skip(case, self._settled(couple), f"deleted in {self._from} with what it belonged to")
        if policy == "ignore":
            return self._skip(case, couple, f"deleted in {self._from}, kept in {self._to} by policy")
        deleted = f"deleted in {self._from}{self._since(couple)}"
        if policy == "park":
            return self._park(case, "deleted_in_source", f"{case.key} was {deleted}.")
        state = self.way.halves(case.target).get(STATE)
        if state == INACTIVE:
            return self._skip(case, self._settled(couple), f"deleted in {self._from}, inactive in {self._to}")
        if edited := self._edited_since(couple, case.target):
            text = f"{case.key} was {deleted}, and changed in {self._to}: {', '.join(edited)}."
            return self._park(case, "deleted_in_source", text)
        planned = {STATE: Planned(None, state, INACTIVE)}
        return self._write(case, couple, planned, {STATE: deleted}, self._inactive())

    def _since(self, couple: Couple) -> str:
        """Of the second look: when the first one was."""
        first = couple.stored if couple.missing == self._flow.side else None
        return f" (missing since {first:%Y-%m-%d %H:%M} UTC)" if first else ""

    def _edited_since(self, couple: Couple, target: Record) -> list[str]:
        """The fields that people may change on the target's side, and did: a delete does not take that from them."""
        halves, side = self.way.halves(target), opposite(self._flow.side)
        open_ = {name for name, field in self._mapping.fields_by_name.items() if field.side != self._flow.side}
        return [
            name
            for name, agreed in couple.base.items()
            if name in open_ and not same(halves.get(name), agreed.half(side))
        ]

    def _inactive(self) -> dict[str, Value]:
        """What to write to make the target's record inactive."""
        if self._flow.side == "gp":
            return {STATE: INACTIVE}
        return {self._mapping.field(STATE).paths[0]: INACTIVE}
