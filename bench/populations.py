"""Two populated systems that describe the same companies, and the truth about them: a new pair of them for each seed.

What ten years of typing leave behind: branches of one name, parents and daughters at one address, a phone that several share,
typing errors, swapped words, abbreviations, legal forms left out or written otherwise, moves, missing fields, accounts typed
twice, companies that only one side knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

_HEADS = """
Adventure Alpine Baldwin Bellows Blue Cascade Coho Consolidated Contoso Crescent Eagle Fabrikam First Fourth Graphic
Harbor Humongous Lakeshore Liberty Litware Lucerne Margie Midland Nod Northwind Parnell Pinnacle Proseware Relecloud
Southridge Summit Tailspin Trey Tri-County Trinity Union Victory Wide Wingtip Woodgrove
""".split()  # noqa: SIM905
_SYLLABLES = """
al an bar bel cor dan del fen gar hol jen kal lin mar nor ol per quin ros sel tan ul ver wil yor zan
""".split()  # noqa: SIM905
_TRADES = """
Bakery Brewing Cabinets Catering Chemical Coffee Construction Controls Dairy Design Electric Engineering Farms Foods
Freight Furniture Glass Hardware Heating Hotels Industries Instruments Insurance Labs Logistics Machinery
Manufacturing Marine Medical Metals Motors Museum Optical Packaging Paper Pharmacy Plastics Plumbing Printing
Roofing Services Software Steel Supply Systems Textiles Tires Tools Toys Transport Winery
""".split()  # noqa: SIM905
_FORMS = ("Inc.", "Inc", "Incorporated", "LLC", "L.L.C.", "Corp.", "Corporation", "Co.", "Company", "Ltd.", "")
_SAME_FORM = {
    "Inc.": ("Inc", "Incorporated", ", Inc."),
    "LLC": ("L.L.C.", "Llc", ", LLC"),
    "Corp.": ("Corporation", "Corp"),
    "Co.": ("Company", "Co"),
    "Ltd.": ("Limited", "Ltd"),
}
_SHORT = {
    "Manufacturing": "Mfg",
    "Services": "Svcs",
    "Engineering": "Eng",
    "Industries": "Ind",
    "Construction": "Const",
    "Transport": "Trans",
    "Systems": "Sys",
    "Consolidated": "Cons",
}
_STREETS = """
Main Oak Elm Mill Station Harbor Park Lake Hill Market Church Cedar River Maple Union State High Spring
""".split()  # noqa: SIM905
_KINDS = (("Street", "St."), ("Avenue", "Ave"), ("Road", "Rd."), ("Lane", "Ln"), ("Drive", "Dr."))
_CITIES = (
    ("Chicago", "IL", "606", "312"), ("St. Paul", "MN", "551", "651"), ("Milwaukee", "WI", "532", "414"),
    ("Madison", "WI", "537", "608"), ("Peoria", "IL", "616", "309"), ("Denver", "CO", "802", "303"),
    ("Seattle", "WA", "981", "206"), ("Boston", "MA", "021", "617"), ("Dayton", "OH", "454", "937"),
    ("Austin", "TX", "787", "512"), ("Fargo", "ND", "581", "701"), ("Omaha", "NE", "681", "402"),
)  # fmt: skip
_FREE = ("gmail.com", "yahoo.com", "outlook.com", "aol.com")


@dataclass(frozen=True)
class Company:
    """One real company or branch, as it is."""

    name: str
    form: str
    street: tuple[str, str, str]
    city: tuple[str, str, str, str]
    postal_code: str
    phone: str
    mail: str
    site: str


@dataclass
class Populations:
    """`gp` as `mapping.convert` takes it, by customer id; `dataverse` by account id. `truth`: by customer its account, or
    both of them when it was typed twice.
    """

    gp: dict[str, dict[str, Any]] = field(default_factory=dict)
    dataverse: dict[str, dict[str, Any]] = field(default_factory=dict)
    truth: dict[str, set[str]] = field(default_factory=dict)


def populations(count: int, seed: int) -> Populations:
    """About `count` companies, most of them in both systems."""
    random = Random(seed)
    made = Populations()
    while len(made.gp) < count:
        for company in _family(random):
            _known(random, made, company)
    return made


def _known(random: Random, made: Populations, company: Company) -> None:
    """Type one company into one system or both."""
    where = random.random()
    number = f"{_letters(company.name)[:8].upper()}{len(made.gp) + 1:06d}"
    id_ = f"{random.getrandbits(32):08x}-0000-4000-8000-{len(made.dataverse):012x}"
    if where < 0.85:
        made.gp[number] = _customer(random, company, number)
    if where > 0.15:
        made.dataverse[id_] = _account(random, company, number if where < 0.85 and random.random() < 0.35 else "")
    if 0.15 < where < 0.85:
        made.truth[number] = {id_}
        if random.random() < 0.02:
            made.dataverse[f"twice-{id_}"] = _account(random, company, "")
            made.truth[number].add(f"twice-{id_}")


def _family(random: Random) -> Iterator[Company]:
    """A company with whatever belongs to it: branches, a parent, a neighbour under the same roof."""
    first = _company(random)
    yield first
    kind = random.random()
    if kind < 0.12:
        for _ in range(random.randrange(1, 4)):
            yield _branch(random, first)
    elif kind < 0.18:
        yield replace(first, name=f"{first.name} Holding", form=random.choice(_FORMS))
    elif kind < 0.22:
        yield replace(first, name=f"{first.name} {random.choice(_TRADES)}", form=random.choice(_FORMS))
    elif kind < 0.26:
        yield replace(_company(random), phone=first.phone, street=first.street, city=first.city,
                      postal_code=first.postal_code)  # fmt: skip
    elif kind < 0.27:  # two legal persons of one name
        yield replace(first, form=random.choice([form for form in _FORMS if form[:2] != first.form[:2]]))


def _company(random: Random) -> Company:
    made_up = "".join(random.choices(_SYLLABLES, k=random.choice((2, 2, 3)))).capitalize()
    head = random.choice(_HEADS) if random.random() < 0.4 else made_up
    name = (
        f"{head} {random.choice(_TRADES)}" if random.random() < 0.85 else f"{head} {made_up} {random.choice(_TRADES)}"
    )
    domain = f"{_letters(name).lower()}{random.choice(('', '', 'us', 'inc', str(random.randrange(99))))}.example"
    mail = f"office@{domain}" if random.random() < 0.75 else f"{_letters(name).lower()}@{random.choice(_FREE)}"
    return Company(name, random.choice(_FORMS), *_place(random), mail, f"https://www.{domain}")


def _branch(random: Random, of: Company) -> Company:
    """The same name elsewhere; often with the phone of the head office, always with its domain."""
    street, city, postal_code, phone = _place(random)
    if random.random() < 0.15:  # across the street
        city, postal_code = of.city, of.postal_code
    shared = random.random()
    mail = of.mail if shared < 0.6 else f"branch{random.randrange(99)}@{of.mail.partition('@')[2]}"
    return replace(of, street=street, city=city, postal_code=postal_code, phone=of.phone if shared < 0.5 else phone,
                   mail=mail)  # fmt: skip


def _place(random: Random) -> tuple[tuple[str, str, str], tuple[str, str, str, str], str, str]:
    city = random.choice(_CITIES)
    street = (str(random.randrange(1, 9900)), random.choice(_STREETS), random.choice(_KINDS)[0])
    phone = f"{city[3]}{random.randrange(200, 999)}{random.randrange(10000):04d}"
    return street, city, f"{city[2]}{random.randrange(100):02d}", phone


def _customer(random: Random, company: Company, number: str) -> dict[str, Any]:
    """A customer as GP holds it, by the paths of the mapping; an empty column is blank."""
    company = _moved(random, company, 0.03)
    street = " ".join(company.street)
    mask = company.phone + ("0000" if random.random() < 0.9 else f"{random.randrange(10000):04d}")
    line = {"ADDRESS1": street, "CITY": company.city[0], "STATE": company.city[1], "ZIP": company.postal_code}
    line = {name: _lost(random, value, 0.03) for name, value in line.items()}
    return {
        "CUSTNMBR": number,
        "CUSTNAME": _typed(random, company, 0.06),
        "PHONE1": _lost(random, mask, 0.1),
        "internet.INET1": _lost(random, company.mail, 0.35),
        "internet.INET2": _lost(random, company.site, 0.6),
        **{f"bill_to.{name}": value for name, value in line.items()},
        "bill_to.CUSTNMBR": number,
        "bill_to.PHONE1": mask if random.random() < 0.5 else "",
    }


def _account(random: Random, company: Company, number: str) -> dict[str, Any]:
    """An account as people in sales type it, by attribute."""
    company = _moved(random, company, 0.06)
    house, street, kind = company.street
    kind = random.choice([kind, dict(_KINDS)[kind]])
    phone = company.phone
    shown = random.choice((f"({phone[:3]}) {phone[3:6]}-{phone[6:]}", f"{phone[:3]}-{phone[3:6]}-{phone[6:]}", phone))
    return {
        "accountnumber": number or None,
        "name": _typed(random, company, 0.12),
        "telephone1": _lost(random, shown, 0.2) or None,
        "emailaddress1": _lost(random, company.mail, 0.4) or None,
        "websiteurl": _lost(random, company.site, 0.5) or None,
        "address1_line1": _lost(random, f"{house} {street} {kind}", 0.12) or None,
        "address1_city": _lost(random, company.city[0], 0.08) or None,
        "address1_postalcode": _lost(random, _long(random, company.postal_code), 0.12) or None,
    }


def _typed(random: Random, company: Company, careless: float) -> str:
    """The name as somebody types it."""
    name = company.name
    if random.random() < careless:
        name = _mistyped(random, name)
    if random.random() < careless / 2:
        name = " ".join(reversed(name.split()))
    if random.random() < careless:
        name = " ".join(_SHORT.get(word, word) for word in name.split())
    if random.random() < careless / 4:
        name = name.upper()
    form = company.form
    if random.random() < 0.25:
        form = random.choice(_SAME_FORM.get(form, (form,)))
    return name if not form or random.random() < 0.25 else f"{name} {form}".replace(" ,", ",")


def _mistyped(random: Random, name: str) -> str:
    place = random.randrange(1, len(name) - 1)
    slip = random.randrange(4)
    if slip == 0:
        return name[:place] + name[place + 1 :]
    if slip == 1:
        return name[:place] + name[place] + name[place:]
    if slip == 2:
        return name[:place] + random.choice("abcdefghiklmnoprstuvw") + name[place + 1 :]
    return name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :]


def _moved(random: Random, company: Company, share: float) -> Company:
    """Perhaps an address of earlier, or of later."""
    if random.random() >= share:
        return company
    street, city, postal_code, _ = _place(random)
    return replace(company, street=street, city=city, postal_code=postal_code)


def _lost(random: Random, value: str, share: float) -> str:
    return "" if random.random() < share else value


def _long(random: Random, postal_code: str) -> str:
    return postal_code if random.random() < 0.8 else f"{postal_code}-{random.randrange(10000):04d}"


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
