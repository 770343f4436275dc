"""Plans what becomes of a record that names another person than its counterpart does. Pure."""

from collections.abc import Mapping, Sequence

from sync.matching.persons import may_be_same
from sync.merging import Merged
from sync.planning import MASK, Case, Plan, Planning
from sync.stores.couple import ANOTHER
from sync.system import Record
from sync.value import Value, visible
from sync.way import Turned


class Persons(Planning):
    """GP types another name over that of a person who left: to rename the counterpart would make one person's history
    another's.
    """

    def _another_person(self, case: Case, target: Record, turned: Turned, merged: Merged) -> Plan | None:
        """A coupled record whose new name is hardly the old one, unless a person has said that it is the same one."""
        names = self._mapping.rules.person
        if self._flow.side != "gp" or merged.planned.keys().isdisjoint(names) or not case.couple.coupled:
            return None
        held = _name(target.values, names)
        wanted = _name({name: pair.target for name, pair in turned.fields.items()}, names)
        if case.couple.take == "gp" or not held or may_be_same(held, wanted):
            return None
        if any(self._mapping.field(name).secret for name in names):
            held = wanted = MASK
        text = f"The {self.entity} of {case.key} is {visible(repr(held))}, and GP names {visible(repr(wanted))} by now."
        return self._park(case, ANOTHER, text)


def _name(values: Mapping[str, Value], names: Sequence[str]) -> str:
    return " ".join(str(values[name]) for name in names if values.get(name))
