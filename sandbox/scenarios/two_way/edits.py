"""One customer of TWO: born in Dataverse, edited by a clerk in GP and a rep in Dataverse, in the end at rest."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import NotSeen, Steps, app, door, until
from sandbox.up import Sandbox

type Row = dict[str, Any]

ACCOUNT = {
    "name": "Nordic Pumps",
    "telephone1": "+1 414-555-0145",
    "address1_line1": "12 Oak Street",
    "address1_city": "Milwaukee",
    "customertypecode": 3,
    "accountcategorycode": 1,
}
COLUMNS = "accountid,accountnumber,name,telephone1,address1_city"
CUSTOMERS = """
    SELECT c.CUSTNMBR, c.CUSTNAME, c.PHONE1, a.CITY, c.DEX_ROW_TS AS CHANGED, a.DEX_ROW_TS AS ADDRESS_CHANGED
    FROM RM00101 c JOIN RM00102 a ON a.CUSTNMBR = c.CUSTNMBR AND a.ADRSCODE = c.PRBTADCD
    WHERE c.CUSTNAME LIKE 'Nordic Pumps%'
"""
"""Our customer by any of the names it gets: two rows would be a duplicate."""
BY_CLERK, BY_REP = "Nordic Pumps AS", "Nordic Pumps Group"
LOOKS = 3
"""How often both sides are asked what changed before it counts as quiet."""


class Edits:
    """The steps, in the order they are played."""

    def __init__(self, box: Sandbox, gp: GpUser, dataverse: DataverseUser) -> None:
        self._box = box
        self._gp = gp
        self._dataverse = dataverse
        self._id = ""
        self._number = ""

    @property
    def steps(self) -> Steps:
        return [
            self.an_account_typed_into_dataverse_waits_for_approval,
            self.once_approved_it_becomes_a_gp_customer_and_gets_its_number,
            self.different_fields_edited_in_the_same_moment_both_survive,
            self.one_field_edited_on_both_sides_is_decided_by_its_owner,
            self.a_field_under_review_edited_on_both_sides_is_parked,
            self.a_person_takes_one_side_and_both_agree,
            self.a_lost_webhook_is_caught_up,
            self.when_all_is_quiet_nobody_writes,
        ]

    async def an_account_typed_into_dataverse_waits_for_approval(self) -> str:
        self._id = await self._dataverse.create("accounts", ACCOUNT)
        entry = await self._parked(self._id, "approval_needed")
        if found := await self._customers():
            raise NotSeen(f"GP holds {found[0]['CUSTNMBR']} although nobody has approved it")
        return f"A rep typed the account {ACCOUNT['name']}. Parked, nothing in GP: {entry['message']}"

    async def once_approved_it_becomes_a_gp_customer_and_gets_its_number(self) -> str:
        await self._resolve(self._id)
        [customer] = await until(self._customers, bool, f"a customer {ACCOUNT['name']} in GP")
        self._number = customer["CUSTNMBR"]
        await self._account(accountnumber=self._number)
        await self._not_parked(self._id)
        return f"A person approved. {_customer(customer)}; the account's number is {self._number}"

    async def different_fields_edited_in_the_same_moment_both_survive(self) -> str:
        await self._both(clerk={"ADRSCODE": "PRIMARY", "CITY": "Green Bay"}, rep={"telephone1": "+1 414-555-0166"})
        customer = await self._customer(CITY="Green Bay", PHONE1="41455501660000")
        account = await self._account(address1_city="Green Bay", telephone1="+1 414-555-0166")
        return f"A clerk typed the city, a rep the phone. {_customer(customer)}. {_told(account)}"

    async def one_field_edited_on_both_sides_is_decided_by_its_owner(self) -> str:
        await self._both(
            clerk={"ADRSCODE": "PRIMARY", "PHNUMBR1": "41455501770000"}, rep={"telephone1": "+1 414-555-0188"}
        )
        account = await self._account(telephone1="+1 414-555-0177")
        customer = await self._customer(PHONE1="41455501770000")
        rule = "both changed: GP's holds"
        await self._written("telephone1", rule=rule)
        return f"A clerk typed 0177, a rep 0188 ({rule}). {_customer(customer)}. {_told(account)}"

    async def a_field_under_review_edited_on_both_sides_is_parked(self) -> str:
        await self._both(clerk={"CUSTNAME": BY_CLERK}, rep={"name": BY_REP})
        entry = await self._parked(self._number, "values_differ")
        for value in (BY_CLERK, BY_REP, f"{ACCOUNT['name']!r}"):
            if value not in entry["message"]:
                raise NotSeen(f"{value} is not told: {entry['message']}")
        await self._customer(CUSTNAME=BY_CLERK)
        await self._account(name=BY_REP)
        return f"A clerk typed {BY_CLERK}, a rep {BY_REP}. Both are as typed. {entry['message']}"

    async def a_person_takes_one_side_and_both_agree(self) -> str:
        await self._resolve(self._number)
        customer = await self._customer(CUSTNAME=BY_REP)
        account = await self._account(name=BY_REP)
        await self._not_parked(self._number)
        return f"A person took Dynamics 365's name. {_customer(customer)}. {_told(account)}"

    async def a_lost_webhook_is_caught_up(self) -> str:
        lost = {"at": "dataverse.webhook", "do": "drop", "match": f"(?s) Update account {self._id}.*Madison"}
        await door(self._box, "dataverse", "POST", "/faults", **lost)
        await self._dataverse.edit(f"accounts({self._id})", {"address1_city": "Madison"})
        customer = await self._customer(CITY="Madison")
        await self._written("address1_city", new="Madison", reason="delta")
        [fault] = await door(self._box, "dataverse", "GET", "/faults")
        if fault["times"]:
            raise NotSeen("The webhook was not lost: the fault has struck nothing")
        return f"A rep typed the city, and its webhook was lost. The catch-up brought it. {_customer(customer)}"

    async def when_all_is_quiet_nobody_writes(self) -> str:
        await until(self._found_by_a_sweep, lambda keys: keys == 0, "a sweep that finds nothing to do")
        await door(self._box, "dataverse", "DELETE", "/counts")
        before = await self._versions()
        for _ in range(LOOKS):
            await app(self._box, "poll")
        if await self._found_by_a_sweep():
            raise NotSeen("A sweep found something to do")
        after, counts = await self._versions(), await door(self._box, "dataverse", "GET", "/counts")
        writes = sum(counts.get(f"operations {kind}", 0) for kind in ("create", "update", "delete"))
        if writes or before != after:
            raise NotSeen(f"{writes} writes in Dataverse; before {before}, after {after}")
        skipped = sum(line["result"] == "skipped" for line in (await self._shown())["history"])
        return (
            f"Both sides were asked {LOOKS} times what changed, and compared whole: no write in Dataverse, the account's "
            f"version and the customer's stamps as before. {skipped} events, echoes of our own writes among them, ended as skips"
        )

    async def _both(self, clerk: Mapping[str, object], rep: Mapping[str, object]) -> None:
        """A clerk has the customer open with something typed; a rep saves; the clerk saves. Neither saw the other's."""
        async with self._gp.typing(CUSTOMER, CUSTNMBR=self._number, **clerk):
            await self._dataverse.edit(f"accounts({self._id})", rep)

    async def _resolve(self, key: str) -> None:
        await app(self._box, "parked", "resolve", "--take", "d365", "--record", f"customer/TWO/{key}")

    async def _parked(self, key: str, code: str) -> Row:
        def right(entries: list[Row]) -> bool:
            return [entry["code"] for entry in entries] == [code]

        return (await until(lambda: self._entries(key), right, f"{key} parked as {code}"))[0]

    async def _not_parked(self, key: str) -> None:
        await until(lambda: self._entries(key), lambda entries: not entries, f"{key} no longer parked")

    async def _entries(self, key: str) -> list[Row]:
        return [entry for entry in await app(self._box, "parked", "list") if entry["key"] == key]

    async def _account(self, **values: object) -> Row:
        async def look() -> Row:
            [row] = await self._dataverse.rows("accounts", select=COLUMNS, filter=f"accountid eq {self._id}")
            return row

        return await until(look, lambda row: _holds(row, values), f"the account with {values}")

    async def _customer(self, **values: object) -> Row:
        async def look() -> Row:
            [row] = await self._customers()
            return row

        return await until(look, lambda row: _holds(row, values), f"the customer with {values}")

    async def _customers(self) -> list[Row]:
        return await self._gp.rows(CUSTOMERS)

    async def _written(self, field: str, **why: str) -> None:
        """Wait until the ledger tells this of a field's last write."""

        async def look() -> Row:
            return (await self._shown())["fields"].get(field, {})

        await until(look, lambda told: why.items() <= told.items(), f"{field} written with {why}")

    async def _shown(self) -> Row:
        [shown] = await app(self._box, "show", f"customer/TWO/{self._number}")
        return shown

    async def _found_by_a_sweep(self) -> int:
        """How many records differ, both sides compared whole."""
        swept = await app(self._box, "sweep", "--company", "TWO")
        return sum(each["keys"] for each in swept)

    async def _versions(self) -> list[object]:
        """What changes with every write: the account's version, the stamps of the customer and its address."""
        accounts, customers = await asyncio.gather(
            self._dataverse.rows("accounts", select="accountid", filter=f"accountid eq {self._id}"), self._customers()
        )
        return [accounts[0]["@odata.etag"], customers[0]["CHANGED"], customers[0]["ADDRESS_CHANGED"]]


def _holds(row: Row, values: Mapping[str, object]) -> bool:
    return all(row[name] == value for name, value in values.items())


def _customer(row: Row) -> str:
    return f"Customer {row['CUSTNMBR']} {row['CUSTNAME']}, {row['CITY']}, phone {row['PHONE1']}"


def _told(row: Row) -> str:
    return f"Account {row['accountnumber']} {row['name']}, {row['address1_city']}, phone {row['telephone1']}"
