"""Records in bulk: one round trip a page, keys in one spelling, a missing joined row is nothing."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.keys import canonical, join_key
from sync.mapping import Mapping
from sync.systems.gp.client import Row
from sync.systems.gp.marks import stored_mark
from sync.systems.gp.reader import GpReader, alike_statement, read_statement

from .scripted import ScriptedClient, address, customer

NEW = [[{"level": 150, "collation": "SQL_Latin1_General_CP1_CI_AS"}]]
OLD = [[{"level": 100, "collation": "SQL_Latin1_General_CP1_CI_AS"}]]
AT = [{"server_time": datetime(2027, 4, 12, 9, 0, 5)}]  # noqa: DTZ001
BINARY = [[{"level": 150, "collation": "Latin1_General_BIN"}]]


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return customer()


def row(mapping: Mapping, **columns: object) -> Row:
    """A row as the read statement names it: the given columns of RM00101, blanks, and no joined rows."""
    names = ["CUSTNMBR", "NOTEINDX", "DEX_ROW_TS", "INTEGRATIONID"]
    names += [path for path in mapping.gp.paths if path not in names]
    stamp = datetime(2027, 4, 12, 9, 0, 0, 3000)  # noqa: DTZ001
    values = {"NOTEINDX": Decimal("12.00000"), "DEX_ROW_TS": stamp} | columns
    return {f"c{i}": values.get(name, None if "." in name else "   ") for i, name in enumerate(names)}


async def test_a_page_of_keys_is_one_round_trip(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [AT, [row(mapping, CUSTNMBR="AARONFIT0001   ", CUSTNAME="Aaron Fitz   ")]])
    records = await GpReader(client).read("TWO", mapping, ["AARONFIT0001", "NOBODY"])
    assert list(records) == ["AARONFIT0001"]
    record = records["AARONFIT0001"]
    assert record.values["CUSTNAME"] == "Aaron Fitz"
    assert record.values["bill_to.CITY"] is None
    assert set(record.values) == set(mapping.gp.paths)
    assert record.identity == "12"
    assert record.version == "2027-04-12T09:00:00.003"
    _, (keys, *_) = client.asked[1]
    assert json.loads(str(keys)) == ["AARONFIT0001", "NOBODY"]
    assert len(client.asked) == 2


async def test_the_database_is_looked_at_once(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [AT, []], [AT, []])
    reader = GpReader(client)
    await reader.read("TWO", mapping, ["A"])
    await reader.read("TWO", mapping, ["B"])
    assert len(client.asked) == 3


async def test_more_keys_than_a_page_are_read_in_pages(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [AT, []], [AT, []], [AT, []])
    await GpReader(client).read("TWO", mapping, [f"K{number}" for number in range(7)])
    assert [len(json.loads(str(params[0]))) for _, params in client.asked[1:]] == [3, 3, 1]


async def test_an_old_database_gets_its_keys_as_typed_literals(mapping: Mapping) -> None:
    client = ScriptedClient(OLD, [AT, []])
    await GpReader(client).read("TWO", mapping, ["A", "B"])
    sql, params = client.asked[1]
    assert "OPENJSON" not in sql
    assert sql.count("CAST(%s AS char(15))") == 2
    assert params[:2] == ("A", "B")


async def test_keys_are_asked_and_answered_in_one_spelling(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [AT, [row(mapping, CUSTNMBR="aaronfit0001   ")]])
    records = await GpReader(client).read("TWO", mapping, ["aaronfit0001", "AARONFIT0001  "])
    assert list(records) == ["AARONFIT0001"]
    assert json.loads(str(client.asked[1][1][0])) == ["AARONFIT0001"]


@pytest.mark.parametrize("key", ["", "SIXTEEN-LETTERS-", "ŁÓDŹ", "NUL\0"])
async def test_what_can_be_no_key_is_absent_and_never_asked(mapping: Mapping, key: str) -> None:
    client = ScriptedClient()
    assert await GpReader(client).read("TWO", mapping, [key]) == {}


async def test_a_record_without_note_index_has_no_identity(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [AT, [row(mapping, CUSTNMBR="A", NOTEINDX=Decimal("0.00000"))]])
    assert (await GpReader(client).read("TWO", mapping, ["A"]))["A"].identity == ""


async def test_a_read_tells_the_servers_time_before_its_first_page(mapping: Mapping) -> None:
    later = [{"server_time": datetime(2027, 4, 12, 9, 0, 9)}]  # noqa: DTZ001
    client = ScriptedClient(NEW, [AT, []], [later, []])
    _, at = await GpReader(client).read_at("TWO", mapping, ["A", "B", "C", "D"])
    assert at == datetime(2027, 4, 12, 9, 0, 5, tzinfo=UTC)


async def test_the_mark_is_that_of_the_try_that_wrote_it(mapping: Mapping) -> None:
    mark = "c7c72ec1ae9240d0a3931e6b20e06727"
    client = ScriptedClient(NEW, [AT, [row(mapping, CUSTNMBR="A", INTEGRATIONID=f"{stored_mark(mark)}    ")]])
    assert (await GpReader(client).read("TWO", mapping, ["A"]))["A"].mark == mark


@pytest.mark.parametrize("openjson", [True, False])
def test_groups_of_values_are_sought_in_their_columns_types(mapping: Mapping, *, openjson: bool) -> None:
    groups = {("CUSTNAME", "bill_to.ZIP"): [("Aaron", "60603")], ("PHONE1",): [("1",), ("2",)]}
    statement = alike_statement(mapping, groups, openjson=openjson)
    assert statement.text.count("%s") == len(statement.parameters)
    assert statement.text.count("SELECT") == 3
    types = ["char(65)", "char(11)", "char(21)"]
    assert all(each in statement.text for each in types)


async def test_values_that_no_column_can_hold_are_not_sought(mapping: Mapping) -> None:
    client = ScriptedClient()
    wanted = {("CUSTNAME",): {("ŁÓDŹ",), ("",), ("  ",), ("x" * 66,)}}
    assert await GpReader(client).alike("TWO", mapping, wanted) == ([], None)


async def test_keys_are_paged_by_the_servers_order(mapping: Mapping) -> None:
    client = ScriptedClient(NEW, [[{"k0": "_A             "}, {"k0": "b              "}]], [[]])
    reader = GpReader(client)
    assert await reader.keys("TWO", mapping, "", 2) == ["_A", "B"]
    assert await reader.keys("TWO", mapping, "B", 2) == []
    assert "> CAST(%s AS char(15))" in client.asked[2][0]
    assert client.asked[2][1] == (2, "B")


async def test_small_letters_are_left_out_where_the_database_tells_them_apart(mapping: Mapping) -> None:
    client = ScriptedClient(BINARY, [[]])
    await GpReader(client).keys("TWO", mapping, "", 2)
    assert "UPPER" in client.asked[1][0]


PARTS = st.text(st.characters(codec="cp1252"), min_size=1, max_size=15).filter(lambda text: text.strip(" "))


@given(st.lists(PARTS.map(canonical), min_size=1, max_size=5))
def test_any_key_travels_unchanged_by_either_way(keys: list[str]) -> None:
    mapping = customer_once()
    by_json = read_statement(mapping, keys, openjson=True)
    by_list = read_statement(mapping, keys, openjson=False)
    assert json.loads(str(by_json.parameters[0])) == keys
    assert list(by_list.parameters[: len(keys)]) == keys
    for statement in (by_json, by_list):
        assert statement.text.count("%s") == len(statement.parameters)


@given(st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=5))
def test_a_key_of_two_columns_travels_in_its_parts(keys: list[tuple[str, str]]) -> None:
    joined = [join_key(parts) for parts in keys]
    spelled = [[canonical(part) for part in parts] for parts in keys]
    by_json = read_statement(address_once(), joined, openjson=True)
    by_list = read_statement(address_once(), joined, openjson=False)
    assert json.loads(str(by_json.parameters[0])) == spelled
    assert list(by_list.parameters[: 2 * len(keys)]) == [part for parts in spelled for part in parts]
    for statement in (by_json, by_list):
        assert statement.text.count("%s") == len(statement.parameters)
        assert "t0.[CUSTNMBR] = wanted.k0 AND t0.[ADRSCODE] = wanted.k1" in statement.text


async def test_keys_of_two_columns_are_paged_by_both_and_blank_parts_are_left_out() -> None:
    rows: list[Row] = [
        {"k0": "aaron          ", "k1": "A~B            "},
        {"k0": "B              ", "k1": "PRIMARY        "},
    ]
    client = ScriptedClient(NEW, [rows], [[]])
    reader = GpReader(client)
    assert await reader.keys("TWO", address_once(), "", 2) == ["AARON~A^~B", "B~PRIMARY"]
    assert await reader.keys("TWO", address_once(), "AARON~A^~B", 2) == []
    (first, _), (further, values) = client.asked[1:]
    assert first.count("<> ''") == 2
    assert "[ADRSCODE] <> ''" in further
    assert values == (2, "AARON", "AARON", "AARON", "A~B")


async def test_a_record_with_a_key_of_two_columns_is_found_by_both() -> None:
    stamp = datetime(2027, 4, 12, 9)  # noqa: DTZ001
    found: Row = {"c0": "AARON", "c1": "primary", "c2": stamp, "c3": "", "c4": "Main street"}
    client = ScriptedClient(NEW, [AT, [found]])
    records = await GpReader(client).read("TWO", address_once(), ["aaron~primary", "AARON", "AARON~A~B", "AARON~"])
    assert records["AARON~PRIMARY"].values == {"ADRSCODE": "primary", "ADDRESS1": "Main street"}
    assert records["AARON~PRIMARY"].identity == ""
    assert json.loads(str(client.asked[1][1][0])) == [["AARON", "PRIMARY"]]


@cache
def customer_once() -> Mapping:
    return customer()


@cache
def address_once() -> Mapping:
    return address()
