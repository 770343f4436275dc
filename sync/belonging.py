"""Which Dataverse records take part in a pair, and to which company each belongs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sync.convert import holds
from sync.errors import Rejected
from sync.expression import Expression
from sync.fault import Fault
from sync.keys import company_of_key
from sync.value import Value, visible

type Values = Mapping[str, Value]


@dataclass(frozen=True)
class Belonging:
    """`entity` is the Dataverse table, `key` its key column, `scope` and `company` the pair's expressions, `parent` the
    reference to the record that one belongs to: its company is that one's.
    """

    entity: str
    key: str
    scope: Expression | None
    company: Expression | None
    parent: str = ""

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """What must be read of a record to ask this."""
        named = [path for each in (self.scope, self.company) if each for path in each.paths]
        return tuple(dict.fromkeys([self.key, *named, *filter(None, [self.parent])]))

    def in_scope(self, values: Values) -> bool:
        """Whether a record takes part. Raises Rejected (`value_invalid`) when the condition can't be asked of it."""
        if self.scope is None:
            return True
        try:
            return holds(self.scope, self._known(values))
        except Fault as fault:
            raise self._rejected(fault.code, f"Its {self.entity} {fault.text}.") from fault

    def companies_of(self, values: Values, companies: Sequence[str]) -> list[str]:
        """The companies of this installation that a record belongs to: by its key, else by what the pair says of it.

        Raises Rejected (`company_unknown`) when that names none, or one that isn't here.
        """
        if key := str(values.get(self.key) or ""):
            return [self._of_key(key, companies)]
        found = self._named(values, companies)
        if strange := [visible(name) for name in found if name not in companies]:
            raise self._unknown(f"it belongs to {', '.join(strange)}, which is none of them", companies)
        if not found:
            raise self._unknown("nothing says to which of them it belongs", companies)
        return found

    def company_of(self, values: Values, companies: Sequence[str]) -> str:
        """The one company of a record. Raises Rejected: `company_unknown`, or `company_ambiguous` for several."""
        found = self.companies_of(values, companies)
        if len(found) > 1:
            raise self._rejected("company_ambiguous", f"It belongs to several companies: {', '.join(found)}.")
        return found[0]

    def may_be_of(self, values: Values, company: str) -> bool:
        """Whether nothing that the pair says of a record without a key makes it another company's."""
        try:
            named = self._named(values, [company])
        except Rejected:
            return True
        return company in named or not named

    def _of_key(self, key: str, companies: Sequence[str]) -> str:
        company = company_of_key(key, companies)
        if company is None:
            raise self._unknown(f"its {self.key} {visible(key)} is of none of them", companies)
        return company

    def _named(self, values: Values, companies: Sequence[str]) -> list[str]:
        """What the expression gives, in capitals as companies are; without one, the only company there is."""
        if self.company is None:
            return list(companies) if len(companies) == 1 else []
        try:
            results = self.company.run_all(self._known(values))
        except Fault as fault:
            raise self._rejected(fault.code, f"Its {self.entity} {fault.text}.") from fault
        return list(dict.fromkeys(name for each in results if (name := str(each).strip().upper())))

    def _unknown(self, text: str, companies: Sequence[str]) -> Rejected:
        return self._rejected("company_unknown", f"The companies here are {', '.join(companies)}: {text}.")

    def _known(self, values: Values) -> Values:
        return {name: values.get(name) for name in self.attributes}

    def _rejected(self, code: str, text: str) -> Rejected:
        return Rejected(text, code=code, system="dataverse", entity=self.entity)
