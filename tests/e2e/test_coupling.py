"""Two populated sides are coupled through a match report: nothing before a person's word, exactly what it says then, and back."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import app, until
from sandbox.up import Sandbox
from tests.e2e.steps import accounts, door, new_id, parked, seen, sql, type_customer

PLACE = {"ADDRESS1": "12 Oak Street", "CITY": "Milwaukee", "STATE": "WI", "ZIPCODE": "53202"}
SAME_PLACE = {
    "address1_line1": "12 Oak St.",
    "address1_city": "Milwaukee",
    "address1_postalcode": "53202",
}


@pytest.fixture
def report() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gp365-") as folder:
        yield Path(folder) / "report.xlsx"


@pytest.fixture
async def quiet(box: Sandbox) -> AsyncIterator[None]:
    """The company is paused, as before its first load."""
    await app(box, "pause", "--company", "TWO", "--why", "first coupling")
    yield
    await app(box, "resume", "--company", "TWO")


async def known(box: Sandbox, **values: Any) -> str:
    answer = await door(box, "dataverse", "POST", "/seed", set="accounts", rows=[values])
    return str(answer["ids"][0])


def rows(path: Path, table: str) -> dict[str, dict[str, Any]]:
    """The rows of a sheet by GP id and Dataverse id."""
    sheet = load_workbook(path)[table]
    head, *body = sheet.iter_rows(values_only=True)
    found = [dict(zip(head, row, strict=True)) for row in body]
    return {f"{row['GP id'] or ''}|{row['Dataverse id'] or ''}": row for row in found}


def decide(path: Path, **decisions: str) -> None:
    """Write decisions into the rows of some customers, and `later` into all others."""
    book = load_workbook(path)
    for table in ("couples", "possible duplicates", "only GP"):
        for row in book[table].iter_rows(min_row=2):
            row[0].value = decisions.get(str(row[1].value), "later")
    book.save(path)


async def match(box: Sandbox, *args: str) -> tuple[int, dict[str, Any]]:
    status, out, err = await box.cli("match", "--company", "TWO", *args, "--json")
    assert out, err
    return status, json.loads(out.splitlines()[-1])


async def test_a_report_writes_nothing_and_what_a_person_decides_is_coupled_once_and_can_be_taken_apart(
    box: Sandbox, dataverse: DataverseUser, report: Path, quiet: None
) -> None:
    sure, twin, new = new_id(), new_id(), new_id()
    phone = f"312{2_000_000 + int(sure[1:6], 16):07d}"
    name, formula = f"Alpine {sure}", f"=HYPERLINK({twin})"
    await type_customer(box, sure, CUSTNAME=f"{name} Inc.", PHNUMBR1=f"{phone}0000", **PLACE)
    await type_customer(box, twin, CUSTNAME=formula, **PLACE)
    await type_customer(box, new, CUSTNAME=f"Only {new}", **PLACE)
    theirs = await known(box, name=name, telephone1=phone, **SAME_PLACE)
    doubles = [await known(box, name=formula, description=str(n)) for n in range(2)]
    before = await door(box, "dataverse", "GET", "/rows/accounts")
    status, told = await match(box, "--out", str(report))
    assert status == 0
    assert await door(box, "dataverse", "GET", "/rows/accounts") == before
    assert rows(report, "couples")[f"{sure}|{theirs}"]["decision"] == "couple", rows(report, "possible duplicates")
    doubts = {row["Dataverse id"]: row for row in rows(report, "possible duplicates").values() if row["GP id"] == twin}
    assert doubts.keys() == set(doubles)
    assert all(row["GP name"] == formula for row in doubts.values())
    assert f"{new}|" in rows(report, "only GP")
    differing = [row for row in rows(report, "differences").values() if row["GP id"] == sure]
    assert differing

    decide(report, **{sure: "couple", twin: doubles[1]})
    status, told = await match(box, "--apply", str(report))
    assert (status, told["coupled"], told["refused"]) == (0, 2, [])
    await app(box, "resume", "--company", "TWO")
    assert (await seen(dataverse, sure, name=f"{name} Inc."))["accountid"] == theirs
    assert (await seen(dataverse, twin))["accountid"] == doubles[1]
    status, told = await match(box, "--apply", str(report))
    assert (status, told["before"], told["coupled"]) == (0, 2, 0)

    uncouple = partial(box.cli, "uncouple", f"customer/TWO/{sure}", "--restore", "--json")
    # While a worker writes one of the two, the command says so and is to be given again.
    _, out, _ = await until(uncouple, lambda done: done[0] == 0, f"{sure} taken apart")
    fields = {each["field"]: each for each in json.loads(out)["fields"]}
    assert fields["name"]["before"] == name
    again = next(row for row in await door(box, "dataverse", "GET", "/rows/accounts") if row["accountid"] == theirs)
    assert (again["name"], again.get("accountnumber"), again.get("gp365_key")) == (name, None, None)
    assert [entry["code"] for entry in await parked(box, sure)] == ["uncoupled"]
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Changed' WHERE CUSTNMBR = '{sure}'")
    await app(box, "poll")
    await app(box, "couple", f"customer/TWO/{sure}", "--none")
    await until(lambda: accounts(dataverse, sure), lambda found: len(found) == 1, f"{sure} has an account of its own")
    assert (await accounts(dataverse, sure))[0]["accountid"] != theirs


async def test_a_row_that_changed_since_is_refused_by_name_and_the_others_are_done(
    box: Sandbox, dataverse: DataverseUser, report: Path, quiet: None
) -> None:
    good, moved = new_id(), new_id()
    for number in (good, moved):
        await type_customer(box, number, CUSTNAME=f"Baldwin {number}", PHNUMBR1="41455501450000", **PLACE)
        await known(box, name=f"Baldwin {number}", accountnumber=number, **SAME_PLACE)
    await match(box, "--out", str(report))
    decide(report, **{good: "couple", moved: "couple"})
    await sql(box, f"UPDATE RM00101 SET CUSTNAME = 'Another' WHERE CUSTNMBR = '{moved}'")
    status, told = await match(box, "--apply", str(report))
    assert (status, told["coupled"]) == (1, 1)
    assert [moved in text and "changed in GP" in text for text in told["refused"]] == [True]
    await app(box, "resume", "--company", "TWO")
    await seen(dataverse, good)


async def test_a_file_of_another_company_and_one_that_contradicts_itself_do_nothing(
    box: Sandbox, report: Path, quiet: None
) -> None:
    one, two = new_id(), new_id()
    for number in (one, two):
        await type_customer(box, number, CUSTNAME=f"Coho {number}", **PLACE)
    id_ = await known(box, name=f"Coho {one}")
    await match(box, "--out", str(report))
    decide(report, **{one: id_, two: id_})
    status, told = await match(box, "--apply", str(report))
    assert (status, told["error"]["code"]) == (1, "match_decision_invalid")
    assert all(number in told["error"]["message"] for number in (one, two))
    status, out, _ = await box.cli("match", "--company", "THREE", "--apply", str(report), "--json")
    assert (status, json.loads(out)["error"]["code"]) == (1, "match_file_foreign")
