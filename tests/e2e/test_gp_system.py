"""GP as the line sees it, through real pymssql and TDS: reads, feeds, errors and doctor's lines."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pymssql
import pytest
from pydantic import SecretStr

from sandbox.up import Sandbox
from sync.errors import BadSettings, RetryLater
from sync.mapping import Mapping, load_all
from sync.systems.gp.checks import check
from sync.systems.gp.client import GpClient, GpSettings
from sync.systems.gp.reader import living_statement, read_statement
from sync.systems.gp.rows import key_of
from sync.systems.gp.system import GpSystem

CUSTOMER = "AARONFIT0001"


class Gp:
    """The running stand-in: what it announced, and raw SQL as its administrator."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        self.door = httpx.AsyncClient(base_url=ready["admin"], timeout=60)

    def settings(self, **other: Any) -> GpSettings:
        basic = GpSettings(
            server=self.ready["host"],
            port=self.ready["port"],
            user=self.ready["user"],
            password=SecretStr(self.ready["password"]),
            companies=("TWO", "THREE"),
            lock_timeout_ms=300,
        )
        return replace(basic, **other)

    async def sql(self, database: str, text: str) -> list[list[Any]]:
        return (await self.post("sql", database=database, sql=text))["results"][-1]["rows"]

    async def post(self, route: str, **body: Any) -> dict[str, Any]:
        answer = await self.door.post(f"/{route}", json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
async def gp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gp]:
    async with Sandbox(tmp_path_factory.mktemp("gp"), ["gp"]) as box:
        running = Gp(box.ready["gp"])
        yield running
        await running.door.aclose()


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    return load_all(Path("sync/mappings"))["customer"]


@pytest.fixture
async def system(gp: Gp) -> AsyncIterator[Callable[..., GpSystem]]:
    """Makes systems with other settings; closes them, and takes planned faults back."""
    made: list[GpSystem] = []

    def make(**other: Any) -> GpSystem:
        made.append(GpSystem(GpClient(gp.settings(**other))))
        return made[-1]

    yield make
    await gp.door.delete("/faults")
    for each in made:
        await each.close()


async def settled(system: GpSystem, company: str, mapping: Mapping, cursor: dict[str, object]) -> tuple[list, dict]:
    """Poll until there is no more; all changes and the cursor."""
    changes: list = []
    while True:
        poll = await system.poll(company, [mapping], cursor)
        changes += poll.changes.get("customer", [])
        cursor = poll.cursor
        if not poll.more:
            return changes, cursor


# Reads


async def test_customers_are_read_in_bulk_whatever_the_spelling(system: Callable, mapping: Mapping) -> None:
    reader = system()
    records = await reader.read("TWO", mapping, [CUSTOMER.lower(), "NOBODY", "ŁÓDŹ"])
    record = records[CUSTOMER]
    assert set(records) == {CUSTOMER}
    assert record.values["CUSTNAME"]
    assert record.values["CUSTNAME"] == str(record.values["CUSTNAME"]).rstrip()
    assert isinstance(record.values["CRLMTAMT"], Decimal)
    assert record.identity.isdigit()
    assert record.version
    before = reader.client.round_trips
    await reader.read("TWO", mapping, [CUSTOMER])
    assert reader.client.round_trips == before + 1


async def test_an_old_databases_way_of_reading_gives_the_same_rows(system: Callable, mapping: Mapping) -> None:
    client = system().client
    _, by_json = await client.run("TWO", read_statement(mapping, [CUSTOMER, "NOBODY"], openjson=True))
    _, by_list = await client.run("TWO", read_statement(mapping, [CUSTOMER, "NOBODY"], openjson=False))
    assert by_json == by_list
    assert len(by_json) == 1


async def test_a_missing_address_leaves_its_paths_empty(gp: Gp, system: Callable, mapping: Mapping) -> None:
    await gp.sql("TWO", f"UPDATE RM00101 SET PRSTADCD = 'NOWHERE' WHERE CUSTNMBR = '{CUSTOMER}'; SELECT 1 AS n")
    record = (await system().read("TWO", mapping, [CUSTOMER]))[CUSTOMER]
    assert record.values["ship_to.CITY"] is None
    assert record.values["bill_to.CITY"]


async def test_ugly_text_is_read_as_it_stands_and_stops_no_neighbour(
    gp: Gp, system: Callable, mapping: Mapping
) -> None:
    ugly = {
        "UGLY1": "CHAR(9) + 'tab' + CHAR(1) + CHAR(10)",
        "UGLY2": "'  Ü€’ß' + CHAR(160)",
        "UGLY3": "'100% O''Neil [x] %s'",
    }
    for key, name in ugly.items():
        await gp.sql("TWO", f"INSERT INTO RM00101 (CUSTNMBR, CUSTNAME) VALUES ('{key}', {name}); SELECT 1 AS n")
    records = await system().read("TWO", mapping, [*ugly, CUSTOMER])
    names = {key: records[key].values["CUSTNAME"] for key in ugly}
    assert names == {"UGLY1": "\ttab\x01\n", "UGLY2": "  Ü€’ß\xa0", "UGLY3": "100% O'Neil [x] %s"}
    assert CUSTOMER in records


async def test_odd_but_possible_keys_are_found_both_ways(gp: Gp, system: Callable, mapping: Mapping) -> None:
    keys = ["A'B", "A%SB", 'A"B', "A\\B", "Ä€ß/#?", " LEADING"]
    for key in keys:
        await gp.sql("TWO", f"INSERT INTO RM00101 (CUSTNMBR) VALUES ('{key.replace("'", "''")}'); SELECT 1 AS n")
    client = system().client
    for openjson in (True, False):
        _, rows = await client.run("TWO", read_statement(mapping, keys, openjson=openjson))
        assert {str(row["c0"]).rstrip() for row in rows} == set(keys)


async def test_keys_are_paged_completely(gp: Gp, system: Callable, mapping: Mapping) -> None:
    found: list[str] = []
    while page := await system().keys("TWO", mapping, found[-1] if found else "", 7):
        found += page
    ((count,),) = await gp.sql("TWO", "SELECT COUNT(*) AS n FROM RM00101")
    assert len(found) == len(set(found)) == int(count)


async def test_a_note_index_finds_its_customer_under_whatever_id(gp: Gp, system: Callable, mapping: Mapping) -> None:
    insert = "INSERT INTO RM00101 (CUSTNMBR, NOTEINDX) VALUES"
    await gp.sql("TWO", f"{insert} ('NOTED1', 987654), ('NOTED2', 987655), ('NOTED3', 987655); SELECT 1 AS n")
    await gp.sql("TWO", "UPDATE RM00101 SET CUSTNMBR = 'NOTED9' WHERE CUSTNMBR = 'NOTED1'; SELECT 1 AS n")
    found = await system().living("TWO", mapping, ["987654", "987655", "987656"])
    assert {identity: sorted(keys) for identity, keys in found.items()} == {
        "987654": ["NOTED9"],
        "987655": ["NOTED2", "NOTED3"],
    }


async def test_an_old_database_finds_the_same_by_note_index(system: Callable, mapping: Mapping) -> None:
    client = system().client
    identity = (await system().read("TWO", mapping, [CUSTOMER]))[CUSTOMER].identity
    for openjson in (True, False):
        [rows] = await client.run("TWO", living_statement(mapping, [identity], openjson=openjson))
        assert [key_of(mapping, row).rstrip() for row in rows] == [CUSTOMER]


# Feeds

CHANGES = [
    ("RM00101", f"UPDATE RM00101 SET CUSTNAME = 'Aaron' WHERE CUSTNMBR = '{CUSTOMER}'"),
    ("RM00102", f"UPDATE RM00102 SET CITY = 'Fargo' WHERE CUSTNMBR = '{CUSTOMER}'"),
    ("SY01200", f"UPDATE SY01200 SET INET1 = 'a@example.com' WHERE Master_Type = 'CUS' AND Master_ID = '{CUSTOMER}'"),
]


async def with_internet(gp: Gp, company: str) -> None:
    held = await gp.sql(
        company, f"SELECT Master_ID FROM SY01200 WHERE Master_Type = 'CUS' AND Master_ID = '{CUSTOMER}'"
    )
    if not held:
        await gp.sql(
            company,
            "INSERT INTO SY01200 (Master_Type, Master_ID, ADRSCODE) "
            f"SELECT 'CUS', CUSTNMBR, ADRSCODE FROM RM00101 WHERE CUSTNMBR = '{CUSTOMER}'; SELECT 1 AS n",
        )


@pytest.mark.parametrize(("company", "seen_by"), [("TWO", "change_tracking"), ("THREE", "timestamp")])
async def test_a_change_of_any_table_is_seen_once(
    gp: Gp, system: Callable, mapping: Mapping, company: str, seen_by: str
) -> None:
    feeds = system()
    await with_internet(gp, company)
    _, cursor = await settled(feeds, company, mapping, {})
    for _, change in CHANGES:
        await gp.sql(company, f"{change}; SELECT 1 AS n")
        changes, cursor = await settled(feeds, company, mapping, cursor)
        assert [(each.key, each.seen_by, each.deleted) for each in changes] == [(CUSTOMER, seen_by, False)]
        before = feeds.client.round_trips
        assert await settled(feeds, company, mapping, cursor) == ([], cursor)
        assert feeds.client.round_trips == before + 1


async def test_another_masters_internet_address_is_not_ours(gp: Gp, system: Callable, mapping: Mapping) -> None:
    for company in ("TWO", "THREE"):
        _, cursor = await settled(system(), company, mapping, {})
        insert = "INSERT INTO SY01200 (Master_Type, Master_ID, ADRSCODE) VALUES ('VEN', 'ACETRAVE0001', 'PRIMARY')"
        await gp.sql(company, f"{insert}; SELECT 1 AS n")
        assert (await settled(system(), company, mapping, cursor))[0] == []


async def test_change_tracking_tells_deletes_of_parent_and_child(gp: Gp, system: Callable, mapping: Mapping) -> None:
    await gp.sql("TWO", "INSERT INTO RM00101 (CUSTNMBR, CUSTNAME) VALUES ('GOING', 'Going'); SELECT 1 AS n")
    await gp.sql("TWO", f"INSERT INTO RM00102 (CUSTNMBR, ADRSCODE) VALUES ('{CUSTOMER}', 'OLD'); SELECT 1 AS n")
    _, cursor = await settled(system(), "TWO", mapping, {})
    await gp.sql("TWO", "DELETE FROM RM00101 WHERE CUSTNMBR = 'GOING'; SELECT 1 AS n")
    await gp.sql("TWO", f"DELETE FROM RM00102 WHERE CUSTNMBR = '{CUSTOMER}' AND ADRSCODE = 'OLD'; SELECT 1 AS n")
    changes, _ = await settled(system(), "TWO", mapping, cursor)
    assert {each.key: each.deleted for each in changes} == {"GOING": True, CUSTOMER: False}


@pytest.mark.parametrize("company", ["TWO", "THREE"])
async def test_a_bulk_update_comes_in_bounded_pages_and_whole(
    gp: Gp, system: Callable, mapping: Mapping, company: str
) -> None:
    feeds = system(poll_limit=3)
    await gp.post("seed", company=company, customers=20, seed=7)
    _, cursor = await settled(system(overlap_minutes=0), company, mapping, {})
    await gp.sql(company, "UPDATE RM00101 SET COMMENT1 = 'bulk'; SELECT 1 AS n")
    polls = []
    while not polls or polls[-1].more:
        polls.append(await feeds.poll(company, [mapping], cursor))
        cursor = polls[-1].cursor
        assert len(polls[-1].changes.get("customer", [])) <= 9
    found = {change.key for poll in polls for change in poll.changes.get("customer", [])}
    ((count,),) = await gp.sql(company, "SELECT COUNT(*) AS n FROM RM00101")
    assert len(found) == int(count)


async def test_a_transaction_that_commits_late_is_not_lost(gp: Gp, system: Callable, mapping: Mapping) -> None:
    feeds = system()
    _, cursor = await settled(feeds, "THREE", mapping, {})
    writer = pymssql.connect(
        server=gp.ready["host"],
        port=str(gp.ready["port"]),
        user="sa",
        password=gp.ready["sa_password"],
        database="THREE",
        tds_version="7.4",
    )
    writer.cursor().execute(f"UPDATE RM00101 SET CUSTNAME = 'Late' WHERE CUSTNMBR = '{CUSTOMER}'")
    with contextlib.suppress(RetryLater):  # SQL Server lets a reader wait for the lock, until its time-out
        changes, cursor = await settled(feeds, "THREE", mapping, cursor)
        assert changes == []
    writer.commit()
    writer.close()
    changes, _ = await settled(feeds, "THREE", mapping, cursor)
    assert [each.key for each in changes] == [CUSTOMER]


async def test_cleaned_history_leads_to_a_full_reread(gp: Gp, system: Callable, mapping: Mapping) -> None:
    _, cursor = await settled(system(), "TWO", mapping, {})
    await gp.sql("TWO", f"{CHANGES[0][1]}; SELECT 1 AS n")
    await gp.post("change-tracking/clean", database="TWO")
    poll = await system().poll("TWO", [mapping], cursor)
    assert poll.full_reread == {"customer"}
    assert (await system().poll("TWO", [mapping], poll.cursor)).full_reread == set()


async def test_change_tracking_switched_off_falls_back_to_timestamps(
    gp: Gp, system: Callable, mapping: Mapping
) -> None:
    _, cursor = await settled(system(), "TWO", mapping, {})
    await gp.post("change-tracking", database="TWO", table="RM00101", enabled=False)
    poll = await system().poll("TWO", [mapping], cursor)
    assert poll.full_reread == {"customer"}
    await gp.sql("TWO", f"{CHANGES[0][1]}; SELECT 1 AS n")
    changes, _ = await settled(system(), "TWO", mapping, poll.cursor)
    assert [(each.key, each.seen_by) for each in changes] == [(CUSTOMER, "timestamp")]
    await gp.post("change-tracking", database="TWO", table="RM00101", enabled=True)


# Errors


async def refusal(system: GpSystem, mapping: Mapping, company: str = "TWO") -> BadSettings | RetryLater:
    with pytest.raises((BadSettings, RetryLater)) as caught:
        await system.read(company, mapping, [CUSTOMER])
    return caught.value


async def test_a_wrong_password_and_a_missing_right_are_told_apart(gp: Gp, system: Callable, mapping: Mapping) -> None:
    error = await refusal(system(password=SecretStr("wrong-pass")), mapping)
    assert error.code == "sign_in_failed"
    assert "wrong-pass" not in f"{error.as_dict()}"
    reader = system(user="reader", password=SecretStr(gp.ready["reader_password"]))
    error = await refusal(reader, mapping)
    assert error.code == "right_missing"
    assert "RM00102" in error.message or "SY01200" in error.message


async def test_a_missing_database_is_a_matter_of_settings(system: Callable, mapping: Mapping) -> None:
    assert isinstance(await refusal(system(), mapping, "NONE"), BadSettings)


async def test_a_stopped_server_is_retried_later(system: Callable, mapping: Mapping) -> None:
    error = await refusal(system(port=1), mapping)
    assert error.code == "system_unreachable"
    assert ":1" in error.message


@pytest.mark.parametrize(("number", "code"), [(1205, "busy"), (1222, "busy")])
async def test_a_busy_server_is_retried_later(
    gp: Gp, system: Callable, mapping: Mapping, number: int, code: str
) -> None:
    reader = system()
    await reader.read("TWO", mapping, [CUSTOMER])
    await gp.post("faults", at="tds.request", match="RM00101", do="error", code=number, text="planned")
    assert (await refusal(reader, mapping)).code == code
    assert await reader.read("TWO", mapping, [CUSTOMER])


async def test_a_connection_lost_between_two_reads_is_not_noticed(gp: Gp, system: Callable, mapping: Mapping) -> None:
    reader = system()
    await reader.read("TWO", mapping, [CUSTOMER])
    await gp.post("faults", at="tds.request", match="RM00101", do="drop")
    assert await reader.read("TWO", mapping, [CUSTOMER])


@pytest.mark.parametrize("encryption", ["require", "request"])
async def test_encryption_is_a_setting(system: Callable, mapping: Mapping, encryption: str) -> None:
    assert await system(encryption=encryption).read("TWO", mapping, [CUSTOMER])


# Doctor


async def test_doctor_is_content_with_both_companies(system: Callable, mapping: Mapping) -> None:
    lines = [line async for line in check(system().client, ["TWO", "THREE"], [mapping])]
    assert [line for line in lines if not line.ok] == []
    feeds = {line.name: line.data["feed"] for line in lines if "feed" in line.data}
    assert feeds["GP TWO: changes of RM00101"] == "change_tracking"
    assert feeds["GP THREE: changes of RM00101"] == "timestamp"


async def test_doctor_names_the_grant_that_is_missing(gp: Gp, system: Callable, mapping: Mapping) -> None:
    client = system(user="reader", password=SecretStr(gp.ready["reader_password"])).client
    lines = {line.name: line async for line in check(client, ["TWO"], [mapping])}
    assert "GRANT SELECT ON dbo.RM00102 TO [reader]" in lines["GP TWO: table RM00102"].next_step


async def test_doctor_says_in_one_line_that_the_server_is_down(system: Callable, mapping: Mapping) -> None:
    (line,) = [line async for line in check(system(port=1).client, ["TWO"], [mapping])]
    assert not line.ok
    assert line.next_step


async def test_nothing_was_asked_that_the_stand_in_does_not_know(gp: Gp) -> None:
    assert (await gp.door.get("/gaps")).json() == []


async def test_a_company_is_told_from_a_copy(system: Callable, mapping: Mapping) -> None:
    gp = system()
    found = await gp.identity("TWO", {})
    assert found.facts["database"] == found.facts["company"] == "TWO"
    assert found.facts["server"]
    assert gp.client.round_trips == 1
    assert (await gp.poll("TWO", [mapping], {})).identity == found
