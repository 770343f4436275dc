"""What of a record tells who it is: name, number, places, phones, e-mail, tax id, each in one spelling."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import lru_cache

from sync.mapping_model import Evidence
from sync.matching.names import Name, plain_text, read_name
from sync.phones import to_d365
from sync.value import Value

_US_ZIP = re.compile(r"(\d{5})(-?\d{4})?")
_HOUSE = re.compile(r"\d+")
_STREETS = {
    "st": "street",
    "str": "street",
    "strasse": "street",
    "ave": "avenue",
    "av": "avenue",
    "rd": "road",
    "blvd": "boulevard",
    "ln": "lane",
    "dr": "drive",
    "sq": "square",
    "hwy": "highway",
    "pkwy": "parkway",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
}
_ANYBODYS = frozenset(
    """
gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com aol.com icloud.com me.com
mac.com gmx.com gmx.net gmx.de web.de t-online.de orange.fr wanadoo.fr free.fr comcast.net verizon.net att.net
sbcglobal.net bellsouth.net cox.net charter.net earthlink.net proton.me protonmail.com mail.com zoho.com
""".split()  # noqa: SIM905
)
"""Domains under which anybody may have a mailbox: they tell of no company."""

_DIGITS_OF_A_NUMBER = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is: `house` the numbers in its street, `street` the rest of it in plain words."""

    postal_code: str = ""
    city: str = ""
    street: str = ""
    house: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells who a record is. Whatever it does not hold is blank."""

    name: Name
    number: str
    places: tuple[Place, ...]
    phones: frozenset[str]
    emails: frozenset[str]
    domains: frozenset[str]
    tax_id: str


def traits_of(evidence: Evidence, values: Table[str, Value], region: str) -> Traits:
    """The traits of a record in Dataverse's terms. `region`: the ISO country its short phone numbers are in."""
    mails = frozenset(text for name in evidence.email if "@" in (text := _text(values, name).casefold()))
    return Traits(
        name=read_name(_text(values, evidence.name)),
        number=compact(_text(values, evidence.number)),
        places=tuple(
            _place(_text(values, place.postal_code), _text(values, place.city), _text(values, place.street))
            for place in evidence.places
        ),
        phones=frozenset(filter(None, (_phone(_text(values, name), region) for name in evidence.phone))),
        emails=mails,
        domains=frozenset(_domains(mails, [_text(values, name) for name in evidence.website])),
        tax_id=compact(_text(values, evidence.tax_id)),
    )


def signs(traits: Traits) -> Iterator[tuple[str, str]]:
    """What should be of one record alone, by kind: two records that share it may be the same."""
    if traits.number:
        yield "number", traits.number
    if traits.tax_id:
        yield "tax id", traits.tax_id
    for kind, values in (("phone", traits.phones), ("e-mail", traits.emails), ("domain", traits.domains)):
        yield from ((kind, value) for value in values)


def blocks(traits: Traits) -> set[str]:
    """The boxes in which a record is looked for: records that share none of them are never compared.

    A typing error, a missing field, a move each leave some box in common: by sign, by name and place, by words.
    """
    words = traits.name.words
    found = {f"{kind}:{value}" for kind, value in signs(traits)}
    found |= {f"word:{word}" for word in words}
    found.add(f"name:{' '.join(sorted(words))}")
    for place in traits.places:
        if place.postal_code:
            found |= {f"place:{place.postal_code}:{word[:3]}" for word in words}
            if place.house:
                found.add(f"house:{place.postal_code}:{place.house[0]}")
        if place.city:
            found |= {f"city:{place.city}:{word[:4]}" for word in words}
    return found - {"name:"}


def _place(postal_code: str, city: str, street: str) -> Place:
    words = [_STREETS.get(word, word) for word in plain_text(street).split()]
    house = tuple(word for word in words if _HOUSE.match(word))
    return Place(
        _postal_code(postal_code), plain_text(city), " ".join(word for word in words if word not in house), house
    )


def _postal_code(text: str) -> str:
    code = compact(text)
    american = _US_ZIP.fullmatch(code)
    return american[1] if american else code


@lru_cache(maxsize=65_536)
def _phone(text: str, region: str) -> str:
    """Its digits with the country's, without an extension; blank for what is none."""
    number, _, _ = (to_d365(text, region, "international") or "").partition(" ext")
    digits = re.sub(r"\D", "", number)
    return digits if len(digits) >= _DIGITS_OF_A_NUMBER else ""


def _domains(mails: Iterable[str], sites: Sequence[str]) -> Iterator[str]:
    hosts = [mail.rpartition("@")[2] for mail in mails]
    hosts += [re.sub(r"^\w+://", "", site.casefold()).partition("/")[0] for site in sites]
    for host in hosts:
        domain = host.removeprefix("www.").strip(" .>")
        if "." in domain and domain not in _ANYBODYS:
            yield domain


def _text(values: Table[str, Value], name: str) -> str:
    """What a record holds in an attribute, blank for none; a blank `name` is one that the mapping does not name."""
    value = values.get(name) if name else None
    return "" if value is None else str(value).strip()


def compact(text: str) -> str:
    """A number without what people put into it to read it."""
    return re.sub(r"[\s./-]+", "", text).casefold()
