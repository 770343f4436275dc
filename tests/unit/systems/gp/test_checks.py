"""Doctor's lines about GP: each says what was looked at, and every one that isn't well says what to do."""

from datetime import UTC, datetime, timedelta

import pytest

from sync.errors import BadSettings, RetryLater
from sync.mapping import Mapping
from sync.system import Check
from sync.systems.gp.checks import check
from sync.systems.gp.client import Row

from .scripted import ScriptedClient, customer

TABLES = ["RM00101", "RM00102", "SY01200"]


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return customer()


def server(*, collation: str = "SQL_Latin1_General_CP1_CI_AS", skew: float = 0, level: int = 150) -> list[list[Row]]:
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=skew)
    names: Row = {"server": "SQL01", "version": "15.0", "collation": collation, "server_time": now}
    return [[names], [{"level": level}]]


COMPANY: list[list[Row]] = [[{"interid": "TWO  ", "title": "Fabrikam, Inc.   ", "number": 1}]]


def tables(mapping: Mapping, *, without: str = "", denied: str = "") -> list[list[Row]]:
    from sync import schema

    rows: list[Row] = [
        {"table_name": table, "column_name": column}
        for table in TABLES
        for column in schema.gp_table(table).columns
        if without not in (table, column)
    ]
    return [rows, [{f"r{i}": 0 if table == denied else 1 for i, table in enumerate(TABLES)}]]


def feeds(mode: str, *, version: int | None = 1, may: int = 1) -> list[list[Row]]:
    rows: list[Row] = [
        {"name": table, "stamp": None if mode == "none" else "x", "tracked": 1 if mode == "tracked" else None}
        for table in TABLES
    ]
    clock: Row = {"server_time": datetime(2027, 4, 12), "version": version}  # noqa: DTZ001
    return [[clock], rows, [{f"r{i}": may for i in range(3)}]]


def indexes(*tables: str) -> list[list[Row]]:
    return [[{"table_name": table, "index_name": "IX"} for table in tables]]


async def lines(mapping: Mapping, *replies: object) -> dict[str, Check]:
    client = ScriptedClient(*replies)  # type: ignore[arg-type]
    return {line.name: line async for line in check(client, ["TWO"], [mapping])}


async def test_all_is_well(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("tracked"))
    assert all(line.ok for line in found.values())
    assert "Fabrikam, Inc." in found["GP TWO: company"].detail
    assert found["GP TWO: changes of RM00101"].data == {"feed": "change_tracking"}


async def test_an_unreachable_server_is_one_line(mapping: Mapping) -> None:
    found = await lines(mapping, RetryLater("no answer of sql01", code="system_unreachable"))
    assert list(found) == ["GP TWO: connection"]
    assert not found["GP TWO: connection"].ok
    assert found["GP TWO: connection"].next_step


async def test_a_table_that_may_not_be_read_comes_with_its_grant(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping, denied="SY01200"), feeds("tracked"))
    assert "GRANT SELECT ON dbo.SY01200 TO [gp365]" in found["GP TWO: table SY01200"].next_step


async def test_missing_table_and_column_are_named(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping, without="INET1"), feeds("tracked"))
    assert "INET1" in found["GP TWO: table SY01200"].detail
    found = await lines(mapping, server(), COMPANY, tables(mapping, without="RM00102"), feeds("tracked"))
    assert "missing" in found["GP TWO: table RM00102"].detail


async def test_a_table_without_feed_is_not_well(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("none"))
    line = found["GP TWO: changes of RM00101"]
    assert not line.ok
    assert line.next_step == "In TWO: ALTER TABLE dbo.RM00101 ENABLE CHANGE_TRACKING;"


async def test_the_advice_begins_where_the_database_is(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("stamped", version=None), indexes("RM00101"))
    step = found["GP TWO: changes of RM00101"].next_step
    assert step.startswith("In TWO: ALTER DATABASE [TWO] SET CHANGE_TRACKING = ON (CHANGE_RETENTION")
    assert step.endswith("ALTER TABLE dbo.RM00101 ENABLE CHANGE_TRACKING;")
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("tracked", may=0), indexes("RM00101"))
    step = found["GP TWO: changes of RM00101"].next_step
    assert step == "In TWO: GRANT VIEW CHANGE TRACKING ON dbo.RM00101 TO [gp365];"


async def test_timestamps_are_well_but_named(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("stamped"), indexes("RM00102"))
    assert found["GP TWO: changes of RM00101"].ok
    assert "DEX_ROW_TS" in found["GP TWO: changes of RM00101"].detail


async def test_the_optional_index_is_advised_where_it_is_not_there(mapping: Mapping) -> None:
    found = await lines(mapping, server(), COMPANY, tables(mapping), feeds("stamped"), indexes("RM00102"))
    without, having = found["GP TWO: changes of RM00101"], found["GP TWO: changes of RM00102"]
    assert "reads the whole table" in without.detail
    assert "infra/gp/index.sql" in without.next_step
    assert "reads its index" in having.detail
    assert "infra/gp/index.sql" not in having.next_step


async def test_a_binary_collation_and_a_wrong_clock_are_said(mapping: Mapping) -> None:
    found = await lines(
        mapping, server(collation="Latin1_General_BIN", skew=900), COMPANY, tables(mapping), feeds("tracked")
    )
    assert "Latin1_General_BIN" in found["GP TWO: collation"].detail
    assert not found["GP TWO: clock"].ok
    assert "ahead" in found["GP TWO: clock"].detail


async def test_a_company_gp_does_not_list_and_an_unreadable_list_stop_nothing(mapping: Mapping) -> None:
    found = await lines(mapping, server(), [[]], tables(mapping), feeds("tracked"))
    assert not found["GP TWO: company"].ok
    denied = BadSettings("no right in DYNAMICS", code="right_missing")
    found = await lines(mapping, server(), denied, tables(mapping), feeds("tracked"))
    assert not found["GP TWO: company"].ok
    assert found["GP TWO: table RM00101"].ok
