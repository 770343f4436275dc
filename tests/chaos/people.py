"""A clerk at GP and a rep at Dataverse, who find their records by name and know nothing of the app."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import httpx
import pymssql

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser, Refused
from sandbox.scenarios.load import edit
from sandbox.scenarios.scenario import at_door
from sandbox.up import Sandbox
from tests.chaos.fields import BORN_WITH, BY_NAME, MAIN, Field
from tests.chaos.plan import COMPANIES, Partner
from tests.chaos.truth import Side, Truth

CUSTOMER_TYPE = 3
INACTIVE = {"statecode": 1, "statuscode": 2}
ADDRESS = ("RM00102", "RM00101")
"""GP keeps the main address of a customer in both, and so does everybody who edits it by SQL with care."""

TABLES = {"RM00101": "CUSTNMBR", "RM00102": "CUSTNMBR", "RM00103": "CUSTNMBR", "SY01200": "Master_ID"}
type Given = tuple[Partner, Side, Sequence[tuple[Field, int]]]
"""What is given to the record of a partner on a side."""

NO_ANSWER = (httpx.HTTPError, pymssql.Error, OSError)
"""A person's own call may be cut, when a part is restarted."""


class People:
    """Both of them, at work on a running sandbox; `truth` notes what they did."""

    def __init__(self, box: Sandbox, truth: Truth) -> None:
        self._box = box
        self.truth = truth
        self._known: dict[tuple[int, Side], str] = {}
        self._gp = {company: GpUser(box.contract["gp"] | {"database": company}) for company in COMPANIES}
        self._door = at_door(box, "dataverse", 30)

    async def __aenter__(self) -> Self:
        self._rep = await DataverseUser(self._box.contract["dataverse"]).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rep.__aexit__(None, None, None)
        await self._door.aclose()

    # what they find

    async def has(self, partner: Partner, side: Side) -> str:
        """The id of its record on a side, blank without one. Once found it is known."""
        name = (partner.number, side)
        if not self._known.get(name):
            self._known[name] = await (self._customer(partner) if side == "gp" else self._account(partner))
        return self._known[name]

    def forget(self) -> None:
        """One side was put back to what it was: eConnect would make a customer of an edit of one that is gone."""
        self._known.clear()

    async def _customer(self, partner: Partner) -> str:
        found = await self.sql(partner.company, f"SELECT CUSTNMBR FROM RM00101 WHERE CUSTNAME LIKE '{partner.tag} %'")
        return str(found[0][0]).strip() if found else ""

    async def _account(self, partner: Partner) -> str:
        rows = (await self._door.get("/rows/accounts")).raise_for_status().json()
        tag = f"{partner.tag} ".casefold()
        return next((row["accountid"] for row in rows if str(row.get("name")).casefold().startswith(tag)), "")

    async def written_last(self, partners: Sequence[Partner], side: Side) -> Partner | None:
        """Whose record on a side was written last, by whoever it was."""
        if side == "gp":
            text = "SELECT TOP 1 DEX_ROW_TS, CUSTNAME FROM RM00101 ORDER BY DEX_ROW_TS DESC"
            rows = [row for company in COMPANIES for row in await self.sql(company, text)]
        else:
            accounts = (await self._door.get("/rows/accounts")).raise_for_status().json()
            rows = [[row["modifiedon"], row["name"]] for row in accounts]
        tag = str(max(rows, key=lambda row: str(row[0]), default=["", ""])[1]).split(" ")[0].casefold()
        return next((partner for partner in partners if partner.tag.casefold() == tag), None)

    # what they type

    async def make(self, partner: Partner, side: Side) -> None:
        """A new record, all its fields at the value that the partner is born with."""
        value = partner.gp if side == "gp" else partner.d365
        async with self._noted(partner, side, [(field, value) for field in BORN_WITH]):
            self.truth.made.add((partner.number, side))
            await (self._type_new(partner) if side == "gp" else self._write_new(partner))

    async def change(
        self, partner: Partner, side: Side, fields: Sequence[tuple[Field, int]], *, raw: bool = False
    ) -> None:
        """Give fields values, on one side, if its record is there."""
        key = await self.has(partner, side)
        if not key:
            return
        async with self._noted(partner, side, fields):
            if side == "d365":
                await self._patch(key, {field.attribute: field.d365(partner.tag, value) for field, value in fields})
            elif raw or not all(field.parameter for field, _ in fields):
                for field, value in fields:
                    await self._update(partner, key, field, value)
            else:
                values = {field.parameter: field.gp(partner.tag, value) for field, value in fields}
                await self._gp[partner.company].type_in(CUSTOMER, CUSTNMBR=key, ADRSCODE=MAIN, **values)

    async def change_both(
        self, partner: Partner, clerk: Sequence[tuple[Field, int]], rep: Sequence[tuple[Field, int]]
    ) -> None:
        """A clerk has the customer open with something typed; the rep saves; the clerk saves. Neither sees the other's."""
        key, id_ = await self.has(partner, "gp"), await self.has(partner, "d365")
        if not (key and id_):
            return
        values = {field.parameter: field.gp(partner.tag, value) for field, value in clerk}
        typing = self._gp[partner.company].typing(CUSTOMER, CUSTNMBR=key, ADRSCODE=MAIN, **values)
        async with self._noted_all([(partner, "gp", clerk), (partner, "d365", rep)]), typing:
            await self._patch(id_, {field.attribute: field.d365(partner.tag, value) for field, value in rep})

    async def change_many(self, company: str, partners: Sequence[Partner], value: int) -> None:
        """An import gives every customer of a company another city."""
        field = BY_NAME["address1_city"]
        names = await self.sql(company, "SELECT CUSTNAME FROM RM00101")
        tags = {str(name).split(" ")[0].casefold() for (name,) in names}
        known = [partner for partner in partners if partner.company == company and partner.tag.casefold() in tags]
        async with self._noted_all([(partner, "gp", [(field, value)]) for partner in known]):
            for table in ADDRESS:
                await self.sql(company, f"UPDATE {table} SET CITY = '{field.gp('', value)}' WHERE ADRSCODE = '{MAIN}'")

    async def switch_off(self, partner: Partner, side: Side) -> None:
        """Make a record inactive."""
        if key := await self.has(partner, side):
            with contextlib.suppress(*NO_ANSWER):
                if side == "gp":
                    await self.sql(partner.company, f"UPDATE RM00101 SET INACTIVE = 1 WHERE CUSTNMBR = '{key}'")
                else:
                    await self._patch(key, INACTIVE)

    async def delete(self, partner: Partner, side: Side) -> None:
        key = await self.has(partner, side)
        if not key:
            return
        self.truth.gone.add((partner.number, side))
        self._known.pop((partner.number, side), None)
        with contextlib.suppress(*NO_ANSWER):
            if side == "d365":
                (await self._door.delete(f"/rows/accounts/{key}")).raise_for_status()
                return
            for table, column in TABLES.items():
                await self.sql(partner.company, f"DELETE FROM {table} WHERE {column} = '{key}'")

    async def merge(self, master: Partner, subordinate: Partner) -> None:
        """A rep finds that two accounts are one company."""
        one, other = await self.has(master, "d365"), await self.has(subordinate, "d365")
        if not (one and other):
            return
        self.truth.merged |= {master.number, subordinate.number}
        body = {"Target": _named(one), "Subordinate": _named(other), "PerformParentingChecks": False}
        with contextlib.suppress(*NO_ANSWER):
            await self._rep.act("Merge", body)

    async def hold_open(self, partner: Partner, value: int, seconds: float) -> None:
        """A clerk types, goes for coffee, and saves."""
        key = await self.has(partner, "gp")
        if not key:
            return
        field = BY_NAME["address1_line1"]
        async with self._noted(partner, "gp", [(field, value)]):
            values = {field.parameter: field.gp(partner.tag, value)}
            async with self._gp[partner.company].typing(CUSTOMER, CUSTNMBR=key, ADRSCODE=MAIN, **values):
                await asyncio.sleep(seconds)

    async def take_id(self, company: str, key: str, partner: Partner) -> None:
        """A clerk gives a customer of his own just the id that an account is about to get."""
        if await self.has(partner, "gp"):
            return
        async with self._noted(partner, "gp", [(field, partner.gp) for field in BORN_WITH]):
            self.truth.made.add((partner.number, "gp"))
            await self._type_new(partner, key)

    async def sql(self, company: str, text: str) -> list[list[Any]]:
        return await edit(self._box, text, company)

    def _noted(
        self, partner: Partner, side: Side, fields: Sequence[tuple[Field, int]]
    ) -> AbstractAsyncContextManager[None]:
        """Note what was given; nothing where GP refused it; where no answer came, that it may have been."""
        return self._noted_all([(partner, side, fields)])

    @asynccontextmanager
    async def _noted_all(self, given: Sequence[Given]) -> AsyncIterator[None]:
        """The same for what goes together. What was refused of several may be any of them."""
        self.truth.operations += len(given)
        sure = True
        try:
            yield
        except Refused:
            if len(given) == 1:
                return
            sure = False
        except NO_ANSWER:
            sure = False
            for partner, side, _ in given:
                self._known.pop((partner.number, side), None)
        for partner, side, fields in given:
            for field, value in fields:
                self.truth.gives(partner.number, side, field.attribute, value, sure=sure)

    async def _type_new(self, partner: Partner, key: str = "") -> None:
        values = {field.parameter: field.gp(partner.tag, partner.gp) for field in BORN_WITH}
        values |= {"PRBTADCD": MAIN} if partner.number % 2 else {}
        await self._gp[partner.company].type_in(CUSTOMER, CUSTNMBR=key or partner.key, ADRSCODE=MAIN, **values)

    async def _write_new(self, partner: Partner) -> None:
        row: dict[str, Any] = {field.attribute: field.d365(partner.tag, partner.d365) for field in BORN_WITH}
        row |= {"customertypecode": CUSTOMER_TYPE, "accountcategorycode": 1 + COMPANIES.index(partner.company)}
        if partner.born == "both" and partner.numbered:
            row["accountnumber"] = partner.key
        (await self._door.post("/seed", json={"set": "accounts", "rows": [row]})).raise_for_status()

    async def _patch(self, id_: str, values: dict[str, Any]) -> None:
        (await self._door.patch(f"/rows/accounts/{id_}", json=values)).raise_for_status()

    async def _update(self, partner: Partner, key: str, field: Field, value: int) -> None:
        text = field.gp(partner.tag, value).replace("'", "''")
        where = f"CUSTNMBR = '{key}'" + (f" AND ADRSCODE = '{MAIN}'" if field.table == "RM00102" else "")
        if field.table == "SY01200":
            where = f"Master_Type = 'CUS' AND Master_ID = '{key}' AND ADRSCODE = '{MAIN}'"
            if not await self.sql(partner.company, f"SELECT Master_ID FROM SY01200 WHERE {where}"):
                columns = "(Master_Type, Master_ID, ADRSCODE, INET1)"
                await self.sql(
                    partner.company, f"INSERT INTO SY01200 {columns} VALUES ('CUS', '{key}', '{MAIN}', '{text}')"
                )
                return
        for table in ADDRESS if field.table in ADDRESS[:1] else [field.table]:
            await self.sql(partner.company, f"UPDATE {table} SET {field.column} = '{text}' WHERE {where}")


def _named(id_: str) -> dict[str, str]:
    return {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": id_}
