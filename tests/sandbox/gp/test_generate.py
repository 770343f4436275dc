"""The generator: reproducible, unique, and as untidy as promised."""

from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.gp.generate import Generated, customers
from sandbox.gp.tables import tables

WIDTHS = {table.name: {n: c.type.length for n, c in table.columns.items()} for table in tables("TWO")}
MANY = list(customers(4000, seed=7))


@given(seed=st.integers(0, 2**32), count=st.integers(1, 50))
def test_the_same_seed_gives_the_same_customers_and_a_longer_run_starts_with_the_shorter(seed: int, count: int) -> None:
    assert list(customers(count, seed)) == list(islice(customers(count + 5, seed), count))


def test_other_seeds_give_other_customers() -> None:
    assert list(customers(20, 1)) != list(customers(20, 2))


@given(seed=st.integers(0, 2**32))
def test_every_value_fits_its_column_and_the_code_page(seed: int) -> None:
    for made in customers(200, seed):
        pairs = [("RM00101", made.customer), *(("RM00102", row) for row in made.addresses)]
        for table, row in pairs:
            for name, value in row.items():
                if isinstance(value, str) and WIDTHS[table][name]:
                    assert len(value.encode("cp1252")) <= WIDTHS[table][name]


def test_ids_are_unique_without_regard_to_case_and_notes_are_unique() -> None:
    assert len({made.customer["CUSTNMBR"].upper() for made in MANY}) == len(MANY)
    assert len({made.customer["NOTEINDX"] for made in MANY}) == len(MANY)


def _dangling(made: Generated) -> bool:
    return made.customer["PRBTADCD"] not in {"", *(row["ADRSCODE"] for row in made.addresses)}


ODDITIES: dict[str, Callable[[Generated], object]] = {
    "leading blanks": lambda made: made.customer["CUSTNAME"].startswith(" "),
    "lower-case id": lambda made: made.customer["CUSTNMBR"].islower(),
    "accents": lambda made: "é" in made.customer["CUSTNAME"],
    "code page 1252 only": lambda made: "€" in made.customer["CUSTNAME"],
    "control characters": lambda made: any(ord(letter) < 32 for letter in made.customer["CUSTNAME"]),
    "blank name": lambda made: not made.customer["CUSTNAME"],
    "64-character name": lambda made: len(made.customer["CUSTNAME"]) == 64,
    "no creation date": lambda made: made.customer["CREATDDT"] == "1900-01-01",
    "phone extension": lambda made: len(made.customer["PHONE1"]) == 14 and made.customer["PHONE1"][-4:] != "0000",
    "phone of zeros": lambda made: made.customer["PHONE1"] == "0" * 14,
    "phone garbage": lambda made: "notes" in made.customer["PHONE1"],
    "no e-mail": lambda made: made.internet is None,
    "e-mail that is none": lambda made: made.internet and made.internet["INET1"] == "n/a",
    "e-mail list": lambda made: made.internet and ";" in made.internet["INET1"],
    "blank bill-to": lambda made: not made.customer["PRBTADCD"],
    "address code pointing nowhere": _dangling,
    "unknown terms": lambda made: made.customer["PYMTRMID"] == "Net 31",
    "inactive": lambda made: made.customer["INACTIVE"],
    "on hold": lambda made: made.customer["HOLD"],
    "credit amount of zero": lambda made: made.customer["CRLMTTYP"] == 2 and not made.customer["CRLMTAMT"],
    "odd credit amount": lambda made: made.customer["CRLMTAMT"] % 1 > 0,
    "unlimited with an amount": lambda made: made.customer["CRLMTTYP"] == 1 and made.customer["CRLMTAMT"],
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_some_but_not_most_customers_have(oddity: str) -> None:
    found = sum(bool(ODDITIES[oddity](made)) for made in MANY)
    assert 0 < found < len(MANY) / 2


def test_some_customers_are_there_twice_by_name_and_postal_code() -> None:
    pairs = [(made.customer["CUSTNAME"], made.customer["ZIP"]) for made in MANY]
    assert len(set(pairs)) < len(pairs)
