"""Customers by the thousand, clean enough that all of them pass, and a comparison of both sides that knows no app code."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pymssql

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.scenario import at_door
from sandbox.up import Sandbox

type Row = dict[str, Any]

TERMS = {"": None, "Net 30": 1, "Net 45": 3, "Net 60": 4}
INACTIVE, AMOUNT, UNLIMITED = 1, 2, 1
_CLEAN = (
    "DELETE FROM SY01200 WHERE Master_Type = 'CUS'",
    "UPDATE RM00102 SET ADDRESS1 = '1 Main', ADDRESS2 = '', ADDRESS3 = '', CITY = 'Oslo', PHONE1 = '', FAX = ''",
    "UPDATE RM00101 SET PYMTRMID = '', CUSTNAME = 'Customer ' + CUSTNMBR, PRBTADCD = 'PRIMARY', PRSTADCD = 'PRIMARY', "
    "PHONE1 = '', PHONE2 = '', PHONE3 = '', FAX = '', CRLMTAMT = 25000",
)
_ADDRESS = {
    "name": "ADRSCODE",
    "line1": "ADDRESS1",
    "city": "CITY",
    "stateorprovince": "STATE",
    "postalcode": "ZIP",
    "country": "COUNTRY",
    "primarycontactname": "CNTCPRSN",
}
_CUSTOMERS = f"""
    SELECT c.CUSTNMBR, c.CUSTNAME, c.PYMTRMID, c.CRLMTTYP, c.CRLMTAMT, c.HOLD, c.INACTIVE,
           {", ".join(f"a.{column}" for column in _ADDRESS.values())}
    FROM RM00101 c JOIN RM00102 a ON a.CUSTNMBR = c.CUSTNMBR AND a.ADRSCODE = c.PRBTADCD
"""


async def clean_customers(box: Sandbox, count: int, company: str = "TWO", seed: int = 1) -> list[str]:
    """Add `count` generated customers, make every customer of the company clean, and return the first `count` ids.

    The ids come in GP's order and upper case. Change Tracking sees all of it: stop the host, or move its cursor
    afterwards, where that must not start a load by itself.
    """
    async with at_door(box, "gp", 300) as door:
        made = await door.post("/seed", json={"company": company, "customers": count, "seed": seed})
        made.raise_for_status()
    await clean(box, company)
    return (await every_customer(box, company))[:count]


async def clean(box: Sandbox, company: str = "TWO") -> None:
    """Let every customer of a company be one that passes."""
    for sql in _CLEAN:
        await edit(box, sql, company)


async def every_customer(box: Sandbox, company: str = "TWO") -> list[str]:
    """The ids of all customers of a company, in GP's order and upper case."""
    rows = await edit(box, "SELECT CUSTNMBR FROM RM00101 ORDER BY CUSTNMBR", company)
    return [row[0].rstrip(" ").upper() for row in rows]


async def edit(box: Sandbox, sql: str, company: str = "TWO") -> list[list[Any]]:
    """Run SQL as a DBA would; the rows of its first result."""
    async with at_door(box, "gp", 300) as door:
        answer = await door.post("/sql", json={"database": company, "sql": sql})
        answer.raise_for_status()
        results = answer.json()["results"]
        return results[0]["rows"] if results else []


def listed(keys: Sequence[str]) -> str:
    """Keys as the inside of an SQL `IN (...)`."""
    return ", ".join("'" + key.replace("'", "''") + "'" for key in keys)


async def differences(box: Sandbox, keys: Sequence[str], company: str = "TWO") -> list[str]:
    """One sentence per clean customer of `keys` whose account is missing, doubled or differs; empty when all agree."""
    customers = await asyncio.to_thread(_customers, box.contract["gp"] | {"database": company})
    async with DataverseUser(box.contract["dataverse"]) as user:
        accounts = await _accounts(user, company)
    return [text for key in keys if (text := difference(key, customers[key], accounts[key]))]


def expected(customer: Row) -> Row:
    """The mapped fields of the account of a clean customer, as the Web API shows them."""
    address = {name: customer[column] or None for name, column in _ADDRESS.items()}
    return {
        "accountnumber": customer["CUSTNMBR"],
        "name": customer["CUSTNAME"],
        **{f"address1_{name}": value for name, value in address.items()},
        **{f"address2_{name}": value for name, value in address.items()},
        "paymenttermscode": TERMS[customer["PYMTRMID"]],
        "creditlimit": _credit_limit(customer),
        "creditonhold": customer["HOLD"] == 1,
        "statecode": customer["INACTIVE"],
    }


def _credit_limit(customer: Row) -> float | None:
    if customer["CRLMTTYP"] == UNLIMITED:
        return None
    return float(customer["CRLMTAMT"]) if customer["CRLMTTYP"] == AMOUNT else 0.0


def _customers(gp: Mapping[str, Any]) -> dict[str, Row]:
    place = {"server": gp["host"], "port": str(gp["port"]), "database": gp["database"]}
    with (
        pymssql.connect(**place, user=gp["user"], password=gp["password"], login_timeout=15, timeout=60) as connection,
        connection.cursor(as_dict=True) as cursor,
    ):
        cursor.execute(_CUSTOMERS)
        rows = [{name: _trimmed(value) for name, value in row.items()} for row in cursor]
    return {row["CUSTNMBR"].upper(): row for row in rows}


def _trimmed(value: Any) -> Any:
    return value.strip(" ") if isinstance(value, str) else value


async def _accounts(user: DataverseUser, company: str) -> dict[str, list[Row]]:
    """The accounts of a company by their customer's id."""
    columns = expected(defaultdict(str, CRLMTTYP=UNLIMITED))
    found: dict[str, list[Row]] = defaultdict(list)
    for row in await user.all_rows("accounts", select=",".join(("gp365_key", *columns))):
        if str(row["gp365_key"]).startswith(f"{company}-"):
            found[row["accountnumber"].upper()].append(row)
    return found


def difference(key: str, customer: Row, accounts: Sequence[Row]) -> str:
    if len(accounts) != 1:
        return f"{key} has {len(accounts)} accounts"
    [account] = accounts
    wrong = [
        f"{name} {account[name]!r}, not {value!r}"
        for name, value in expected(customer).items()
        if account[name] != value
    ]
    return f"{key}: {'; '.join(wrong)}" if wrong else ""
