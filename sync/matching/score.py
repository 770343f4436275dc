"""How sure it is that two records describe the same thing: points, reasons for and against, and whether that is enough.

Sure is only what several pieces of evidence say that do not depend on one another, with nothing against it. Branches
have the name and often the phone in common, parents the place, so neither of these is ever enough.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from rapidfuzz import fuzz

from sync.matching.names import Likeness, likeness, other_form
from sync.matching.traits import Place, Traits

MARGIN = 20
"""A couple is automatic only when no other candidate of either record comes so near in points; and no plausible one at
all, unless it is firm.
"""

CANDIDATE = 35
"""From so many points on a pair of records is shown to a person."""

MOST = 100

_AGAINST = 15


class Crowd(Protocol):
    """What is known of all records together."""

    def is_shared(self, kind: str, value: str) -> bool:
        """Whether several records of one side have a sign."""

    def is_customer(self, number: str) -> bool:
        """Whether a record of GP has this number."""


_NAMES = {
    Likeness.SAME: (50, "the same name"),
    Likeness.CLOSE: (40, "nearly the same name"),
    Likeness.PART: (22, "one name says more than the other"),
    Likeness.KIN: (10, "some words of the name in common"),
    Likeness.OTHER: (0, ""),
}
_SIGNS = {
    "number": (35, 10, "the same number"),
    "tax id": (30, 12, "the same tax id"),
    "e-mail": (20, 8, "the same e-mail address"),
    "domain": (14, 4, "the same e-mail or web domain"),
    "phone": (20, 8, "the same phone"),
}
"""Points when the sign is of these two records alone, points when others have it too, in words."""

_FIRM = ("number", "tax id")
_STREET_ALIKE = 80


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two records have in common. `points`: from 0 on. `rule`: the evidence that makes it sure, blank when it is not;
    `firm` when that is a number made to tell records apart. `plausible`: nothing speaks against the same name.
    """

    points: int
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    rule: str
    firm: bool
    plausible: bool

    @property
    def score(self) -> int:
        """The points as people see them: 0 to 100."""
        return min(MOST, self.points)

    @property
    def words(self) -> str:
        """The reasons in one sentence."""
        against = f"; against it: {', '.join(self.against)}" if self.against else ""
        return ", ".join(self.reasons) + against


@dataclass(frozen=True, slots=True)
class _Where:
    """How two records' places compare: the address `agrees`, or it `differs`, or as far as it is known it is `near`; the points
    for it, in words.
    """

    agrees: bool
    differs: bool
    points: int
    words: str
    near: bool = False


def compare(gp: Traits, dataverse: Traits, crowd: Crowd) -> Comparison:
    """What a record of GP and one of Dataverse have in common."""
    name = likeness(gp.name, dataverse.name)
    common = {kind: _own(kind, values, crowd) for kind, values in _common(gp, dataverse).items() if values}
    if common.get("e-mail"):
        common.pop("domain", None)
    where = _where(gp, dataverse, moves=not common.get("number"))
    against = tuple(_against(gp, dataverse, where, crowd))
    points = _NAMES[name][0] + where.points - _AGAINST * len(against)
    points += sum(_SIGNS[kind][0] if own else _SIGNS[kind][1] for kind, own in common.items())
    reasons = [_NAMES[name][1]] + [_sign_words(kind, own) for kind, own in common.items()] + [where.words]
    rule = "" if against else _rule(name, {kind for kind, own in common.items() if own}, where)
    return Comparison(
        points=max(0, points),
        reasons=tuple(filter(None, reasons)),
        against=against,
        rule=rule,
        firm=rule.startswith(_FIRM),
        plausible=name >= Likeness.CLOSE and not against,
    )


def _rule(name: Likeness, own: set[str], where: _Where) -> str:
    """Which evidence makes it sure. A name that is only nearly the same needs more."""
    if name < Likeness.CLOSE:
        return ""
    ways = own & {"phone", "e-mail", "domain"}
    if "number" in own and (name is Likeness.SAME or where.agrees or ways):
        return "number and name"
    if "tax id" in own and (where.agrees or ways):
        return "tax id, name and place" if where.agrees else "tax id, name and phone or e-mail"
    if where.agrees and len(ways) >= (1 if name is Likeness.SAME else 2):
        return f"name, place and {' and '.join(sorted(ways))}"
    if where.near and len(ways) >= 2 and name is Likeness.SAME:
        return f"name, city or postal code, {' and '.join(sorted(ways))}"
    return ""


def _common(gp: Traits, dataverse: Traits) -> dict[str, set[str]]:
    return {
        "number": {gp.number} & {dataverse.number} - {""},
        "tax id": {gp.tax_id} & {dataverse.tax_id} - {""},
        "e-mail": set(gp.emails & dataverse.emails),
        "domain": set(gp.domains & dataverse.domains),
        "phone": set(gp.phones & dataverse.phones),
    }


def _own(kind: str, values: set[str], crowd: Crowd) -> bool:
    return any(not crowd.is_shared(kind, value) for value in values)


def _sign_words(kind: str, own: bool) -> str:
    return _SIGNS[kind][2] if own else f"{_SIGNS[kind][2]} (others have it too)"


def _against(gp: Traits, dataverse: Traits, where: _Where, crowd: Crowd) -> list[str]:
    found = []
    if where.differs:
        found.append("another place")
    if other_form(gp.name, dataverse.name):
        found.append("another legal form")
    if gp.tax_id and dataverse.tax_id and gp.tax_id != dataverse.tax_id:
        found.append("another tax id")
    if dataverse.number != gp.number and crowd.is_customer(dataverse.number):
        found.append("the number of another customer")
    return found


def _where(gp: Traits, dataverse: Traits, *, moves: bool) -> _Where:
    """`moves`: another place beside the first one counts too, as it does among branches that are billed at one place."""
    looks = [_compare_places(*both) for both in zip(gp.places, dataverse.places, strict=True)]
    best = max(looks, key=lambda look: look.points, default=_NOWHERE)
    differs = any(look.differs for look in (looks if moves else looks[:1]))
    return replace(best, agrees=best.agrees and not differs, differs=differs)


def _compare_places(one: Place, other: Place) -> _Where:
    if not one.postal_code or not other.postal_code:
        if one.city and other.city and one.city != other.city:
            return _Where(False, True, 0, "")
        return _CITY if one.city and one.city == other.city else _NOWHERE
    if one.postal_code != other.postal_code:
        return _Where(False, True, 0, "")
    if one.street and other.street:
        alike = one.house == other.house and fuzz.ratio(one.street, other.street) >= _STREET_ALIKE
        return _Where(True, False, 22, "the same address") if alike else _Where(False, True, 8, "the same postal code")
    return _Where(False, False, 12, "the same postal code", near=True)


_NOWHERE = _Where(False, False, 0, "")
_CITY = _Where(False, False, 5, "the same city", near=True)
