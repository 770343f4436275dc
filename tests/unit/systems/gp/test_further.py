"""The transaction for an address as a record of its own."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.keys import join_key
from sync.mapping import Mapping, load_all
from sync.system import Record, Write
from sync.systems.gp.batch import batch
from sync.systems.gp.records import transaction_of
from sync.systems.gp.statements import Statement

MARK = "c7c72ec1ae9240d0a3931e6b20e06727"
CODES = st.text(st.characters(codec="cp1252", exclude_characters="\0"), min_size=1, max_size=15)


@cache
def mapping() -> Mapping:
    return load_all(Path("sync/mappings"))["address"]


def new(key: str = "A1~DEPOT", **values: str) -> Write:
    limit = datetime(2027, 4, 12, 9, 1, tzinfo=UTC)
    return Write(key, {"ADDRESS1": "Quay 1", **values}, MARK, create=True, not_after=limit)


def update(**values: str) -> Write:
    held = dict.fromkeys(mapping().gp.paths, "") | {"ADRSCODE": "DEPOT", "customer.CUSTNMBR": "A1"}
    return replace(new(**values), create=False, seen=Record("A1~DEPOT", held, version="2027-04-12T09:00:00.003"))


def sent(*writes: Write) -> Statement:
    return batch(mapping(), [transaction_of(mapping(), write) for write in writes], 1000)


@given(CODES, CODES)
def test_the_parts_of_a_key_are_values_of_their_columns_and_never_sql(customer: str, code: str) -> None:
    key = join_key([customer, code])
    if not key:
        return
    found, plain = sent(new(key)), sent(new())
    assert found.text == plain.text
    swapped = {"A1": join_key([customer]), "DEPOT": join_key([code])}
    assert list(found.parameters) == [swapped.get(str(value), value) for value in plain.parameters]


@pytest.mark.parametrize(("write", "flag"), [(new(), 0), (update(), 1)])
def test_one_procedure_is_called_with_the_mark(write: Write, flag: int) -> None:
    [call] = transaction_of(mapping(), write).calls
    assert call.procedure == "taCreateCustomerAddress"
    assert call.arguments == {
        **{"CUSTNMBR": "A1", "ADRSCODE": "DEPOT", "ADDRESS1": "Quay 1"},
        **{"INTEGRATIONID": "Y7DS5QNOSJANBI4TDZVSBYDHE4", "UpdateIfExists": flag},
    }


def test_every_column_that_was_read_is_compared_and_the_customers_that_say_whose_it_is() -> None:
    own, [customer] = (getattr(transaction_of(mapping(), update()), name) for name in ("own", "seen"))
    assert {test.column for test in own} == {"DEX_ROW_TS", *(p for p in mapping().gp.paths if "." not in p)}
    assert {test.column for test in customer.tests} == {"CUSTNMBR", "ADRSCODE", "PRBTADCD", "PRSTADCD"}


def test_a_new_one_is_not_made_under_a_code_that_the_customer_names_without_having_it() -> None:
    named = [test for row in transaction_of(mapping(), new()).unnamed for test in row.tests]
    assert [(test.column, test.value) for test in named] == [
        *(("ADRSCODE", "DEPOT"), ("PRBTADCD", "DEPOT"), ("PRSTADCD", "DEPOT"))
    ]


def test_a_write_that_does_not_say_what_was_seen_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="A1~DEPOT does not say what was seen"):
        transaction_of(mapping(), replace(update(), seen=None))


@pytest.mark.parametrize("path", ["CUSTNMBR", "ADRSCODE", "customer.PRBTADCD", "DEX_ROW_TS"])
def test_what_says_whose_it_is_can_not_be_written(path: str) -> None:
    with pytest.raises(Rejected, match="can't be written in GP") as caught:
        transaction_of(mapping(), replace(update(), values={path: "X"}))
    assert caught.value.code == "not_writable"


def test_what_a_parameter_would_cut_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        transaction_of(mapping(), new(ADDRESS1="x" * 61))
    assert (caught.value.code, caught.value.key) == ("value_too_long", "A1~DEPOT")
