"""Makes customers as untidy as those of real companies: pure data, the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

_FIRST = ["Adventure", "Alpine", "Baldwin", "Coho", "Fourth", "Graphic", "Litware", "Lucerne", "Northwind", "Tailspin"]
_SECOND = ["Bakery", "Coffee", "Design", "Electric", "Farms", "Logistics", "Museum", "Pharmacy", "Printing", "Winery"]
_ENDING = ["", "", " Inc.", ", Ltd.", " GmbH", " & Sons", " LLC", " (Holding)", " Co."]
_PEOPLE = ["Ada", "Bruno", "Carla", "Dinesh", "Elif", "Femi", "Greta", "Hana", "Igor", "Jun", "Kofi", "Lucia", "Mona"]
_STREETS = [
    "Main Street",
    "Oak Avenue",
    "Harbour Road",
    "Mill Lane",
    "Station Square",
    "Rue de l'Église",
    "Königsallee",
]
_CITIES = [
    ("Chicago", "IL", "606", "US", "United States of America"),
    ("St. Paul", "MN", "551", "US", "USA"),
    ("Milwaukee", "WI", "532", "US", "U.S.A."),
    ("Toronto", "ON", "M5V ", "CA", "Canada"),
    ("Köln", "", "50", "DE", "Deutschland"),
    ("Saint-Étienne", "", "42", "FR", ""),
]
_TERMS = ["Net 30", "Net 30", "Net 30", "2% 10/Net 30", "Net 45", "COD", "", "NET30", "Net 31"]
_CREDIT = [(0, "0"), (1, "0"), (2, "25000"), (2, "25000"), (2, "0"), (2, "12345.67891"), (1, "500"), (2, "0.01")]
_ODD_NAMES = [
    "  {0}",
    "{0}\t",
    "{0}\r\nAttn: accounts",
    "\x1f{0}\x0b",
    "Café Müller & Œuvre – “{0}” €™",
    'O\'Brien "{0}" <test> & Co; DROP',
    "DO NOT USE - {0}",
    "{0} {0} {0} {0} {0} {0} {0}",
    ".",
    "",
]
_ODD_PHONES = [
    "",
    "00000000000000",
    "5550145",
    "(312) 555-0123",
    "+49 221 5550145",
    "see notes",
    "3125550123 x12",
    "312555012",
    "3125550123FAX",
]
_ODD_MAILS = [
    "",
    "n/a",
    "none",
    "a@@b.example",
    "two words@c.example",
    "ap@{0}.example; ar@{0}.example",
    "info@{0}.example,sales@{0}.example",
    "<{0}@mail.example>",
    "{0}@mail.example ",
    "{0}@münchen.example",
]

_ADDRESS_COLUMNS = [
    *("CUSTNMBR", "ADRSCODE", "CNTCPRSN", "ADDRESS1", "ADDRESS2", "CITY", "STATE", "ZIP", "COUNTRY", "CCode"),
    *("PHONE1", "PHONE2", "FAX", "SHIPMTHD", "TAXSCHID", "SLPRSNID", "SALSTERR"),
]


@dataclass
class Generated:
    """One customer as rows: column values of RM00101, of each RM00102 row, of its SY01200 row if it has one."""

    customer: dict[str, object]
    addresses: list[dict[str, object]]
    internet: dict[str, object] | None


def customers(count: int, seed: int, first: int = 1, first_note: int = 1) -> Iterator[Generated]:
    """`count` customers numbered from `first`, with note indexes from `first_note`. About one in four is odd."""
    random = Random(seed)
    earlier = None
    for number in range(first, first + count):
        customer = _customer(random, number) | {"NOTEINDX": Decimal(first_note + number - first)}
        if earlier and random.random() < 0.02:
            customer["CUSTNAME"], customer["ZIP"] = earlier["CUSTNAME"], earlier["ZIP"]
        yield Generated(customer, _addresses(random, customer), _internet(random, customer))
        earlier = customer


def _customer(random: Random, number: int) -> dict[str, object]:
    name = f"{random.choice(_FIRST)} {random.choice(_SECOND)}{random.choice(_ENDING)}"
    identifier = f"{name.replace(' ', '')[:8].upper()}{number:07d}"
    kind, amount = random.choice(_CREDIT)
    day = f"20{random.randrange(5, 25):02d}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
    shown = random.choice(_ODD_NAMES).format(name)[:64] if random.random() < 0.08 else name
    return {
        "CUSTNMBR": identifier.lower() if random.random() < 0.03 else identifier,
        "CUSTNAME": shown,
        "CUSTCLAS": random.choice(("USA-ILMO-T1", "USA-MNWI-T4", "RETAIL", "")),
        "SHRTNAME": shown[:15],
        "STMTNAME": shown,
        **_place(random),
        **_address_codes(random),
        "TAXSCHID": random.choice(("USASTCITY-6*", "EXEMPT", "")),
        "PYMTRMID": random.choice(_TERMS),
        "CRLMTTYP": kind,
        "CRLMTAMT": Decimal(amount),
        "CURNCYID": random.choice(("Z-US$", "Z-US$", "Z-C$", "")),
        "PRCLEVEL": random.choice(("RETAIL", "EXTPRCLVL", "")),
        "COMMENT1": "call before delivery" if random.random() < 0.1 else "",
        "USERDEF1": random.choice(("", "", "A", "B")),
        "INACTIVE": int(random.random() < 0.06),
        "HOLD": int(random.random() < 0.04),
        "STMTCYCL": random.choice((0, 1, 5)),
        "CREATDDT": "1900-01-01" if random.random() < 0.05 else day,
        "MODIFDT": "1900-01-01" if random.random() < 0.05 else day,
    }


def _place(random: Random) -> dict[str, object]:
    city, state, zip_start, code, country = random.choice(_CITIES)
    phone = f"{random.randrange(200, 999)}5550{random.randrange(1000):03d}"
    extension = "0000" if random.random() < 0.8 else f"{random.randrange(10000):04d}"
    return {
        "CNTCPRSN": f"{random.choice(_PEOPLE)} {random.choice(_SECOND)}",
        "ADDRESS1": f"{random.randrange(1, 9999)} {random.choice(_STREETS)}",
        "ADDRESS2": random.choice(("", "", "Suite 100", "c/o Reception")),
        "CITY": city,
        "STATE": state,
        "ZIP": f"{zip_start}{random.randrange(100):02d}",
        "COUNTRY": country,
        "CCode": code if random.random() < 0.8 else "",
        "PHONE1": random.choice(_ODD_PHONES) if random.random() < 0.1 else phone + extension,
        "PHONE2": "",
        "FAX": phone + "0000" if random.random() < 0.3 else "",
        "SHIPMTHD": random.choice(("GROUND", "LOCAL DELIVERY", "PICKUP", "")),
        "SLPRSNID": random.choice(("PAUL W.", "GREG E.", "SANDRA M.", "")),
        "SALSTERR": random.choice(("TERRITORY 1", "TERRITORY 2", "TERRITORY 3", "")),
    }


def _address_codes(random: Random) -> dict[str, object]:
    """Mostly PRIMARY; some bill to a second address, some to none, some to a code that no address has."""
    code = random.choice(("PRIMARY", "BILLING", "", "GONE")) if random.random() < 0.15 else "PRIMARY"
    ship_to = "WAREHOUSE" if random.random() < 0.2 else "PRIMARY"
    return {"ADRSCODE": "PRIMARY", "PRBTADCD": code, "PRSTADCD": ship_to, "STADDRCD": code}


def _addresses(random: Random, customer: dict[str, object]) -> list[dict[str, object]]:
    main = {name: customer[name] for name in _ADDRESS_COLUMNS}
    others = {customer["PRBTADCD"], customer["PRSTADCD"]} - {"PRIMARY", "", "GONE"}
    return [main] + [main | _place(random) | {"ADRSCODE": code} for code in sorted(others)]


def _internet(random: Random, customer: dict[str, object]) -> dict[str, object] | None:
    if random.random() < 0.3:
        return None
    domain = str(customer["CUSTNMBR"]).strip().lower()
    odd = random.random() < 0.12
    return {
        "Master_Type": "CUS",
        "Master_ID": customer["CUSTNMBR"],
        "ADRSCODE": "PRIMARY",
        "INET1": random.choice(_ODD_MAILS).format(domain) if odd else f"office@{domain}.example",
        "INET2": f"https://{domain}.example" if random.random() < 0.4 else "",
        "EmailToAddress": f"ap@{domain}.example;ar@{domain}.example" if random.random() < 0.1 else "",
    }
