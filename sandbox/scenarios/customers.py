"""A customer typed into Dynamics GP is followed into Dataverse: created, changed, made inactive, parked, mended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import NotSeen, Scenario, Steps, app, door, until
from sandbox.up import Sandbox

CUSTOMER = "taUpdateCreateCustomerRcd"
NET_45 = 3
SHOWN = "@OData.Community.Display.V1.FormattedValue"
COLUMNS = "accountid,name,telephone1,address1_city,creditlimit,paymenttermscode,statecode"
GOOD = {
    "CUSTNMBR": "ALPINE0001",
    "CUSTNAME": "Alpine Bikes",
    "ADRSCODE": "PRIMARY",
    "ADDRESS1": "12 Rue de l'Église",
    "CITY": "Annecy",
    "PHNUMBR1": "45055501230000",
    "PYMTRMID": "Net 30",
    "CRLMTTYP": 2,
    "CRLMTAMT": 25000,
}
BAD = {
    "CUSTNMBR": "BRIGHT0001",
    "CUSTNAME": "Brightwater Yachts",
    "ADRSCODE": "PRIMARY",
    "ADDRESS1": "1 Quay",
    "CITY": "Cowes",
    "PYMTRMID": "Net 45 EOM",
}


class Customers:
    """The steps, in the order they are played."""

    def __init__(self, box: Sandbox, gp: GpUser, dataverse: DataverseUser) -> None:
        self._box = box
        self._gp = gp
        self._dataverse = dataverse

    @property
    def steps(self) -> Steps:
        return [
            self.a_customer_typed_into_gp_becomes_an_account,
            self.a_change_in_gp_reaches_the_account,
            self.an_inactive_customer_becomes_an_inactive_account,
            self.a_customer_with_an_unknown_payment_term_is_parked,
            self.with_the_term_in_the_look_up_a_retry_makes_it_an_account,
        ]

    async def a_customer_typed_into_gp_becomes_an_account(self) -> str:
        await self._gp.type_in(CUSTOMER, **GOOD)
        return _told(await self._account(GOOD["CUSTNAME"], lambda row: row["address1_city"] == "Annecy"))

    async def a_change_in_gp_reaches_the_account(self) -> str:
        await self._gp.type_in(CUSTOMER, CUSTNMBR=GOOD["CUSTNMBR"], CRLMTTYP=2, CRLMTAMT=40000)
        return _told(await self._account(GOOD["CUSTNAME"], lambda row: row["creditlimit"] == 40000))

    async def an_inactive_customer_becomes_an_inactive_account(self) -> str:
        await self._gp.type_in(CUSTOMER, CUSTNMBR=GOOD["CUSTNMBR"], INACTIVE=1)
        return _told(await self._account(GOOD["CUSTNAME"], lambda row: row["statecode"] == 1))

    async def a_customer_with_an_unknown_payment_term_is_parked(self) -> str:
        await self._add_payment_term(BAD["PYMTRMID"])
        await self._gp.type_in(CUSTOMER, **BAD)
        parked = await until(self._parked, bool, f"{BAD['CUSTNMBR']} among the parked records")
        if await self._rows(BAD["CUSTNAME"]):
            raise NotSeen(f"{BAD['CUSTNAME']} was written although it is parked")
        return f"Parked {parked[0]['key']}: {parked[0]['message']}. {parked[0]['next_step']}"

    async def with_the_term_in_the_look_up_a_retry_makes_it_an_account(self) -> str:
        await self._look_up(BAD["PYMTRMID"], NET_45)
        database = self._box.contract["gp"]["database"]
        await app(self._box, "parked", "retry", "--record", f"customer/{database}/{BAD['CUSTNMBR']}")
        row = await self._account(BAD["CUSTNAME"], lambda row: row["paymenttermscode"] == NET_45)
        await until(self._parked, lambda parked: not parked, f"{BAD['CUSTNMBR']} no longer parked")
        return _told(row)

    async def _account(self, name: str, wanted: Any) -> dict[str, Any]:
        def one(rows: list[dict[str, Any]]) -> bool:
            return len(rows) == 1 and wanted(rows[0])

        return (await until(lambda: self._rows(name), one, f"the account {name}"))[0]

    async def _rows(self, name: str) -> list[dict[str, Any]]:
        return await self._dataverse.rows("accounts", select=COLUMNS, filter=f"name eq '{name}'")

    async def _parked(self) -> list[dict[str, Any]]:
        return [row for row in await app(self._box, "parked", "list") if BAD["CUSTNMBR"] in str(row)]

    async def _look_up(self, term: str, code: int) -> None:
        """Add a payment term to the look-up table by an overlay, which the app reads when it starts."""
        overlays = self._box.state / "overlays"
        overlays.mkdir(exist_ok=True)
        text = f"lookups:\n  payment_terms: {{{term}: {code}}}\n"
        (overlays / "customer.yaml").write_text(text, encoding="utf-8")
        self._box.overrides["GP365_OVERLAYS"] = str(overlays)
        await self._box.restart("host")

    async def _add_payment_term(self, name: str) -> None:
        sql = f"INSERT INTO SY03300 (PYMTRMID, DUETYPE, DUEDTDS) VALUES ('{name}', 3, 45)"
        await door(self._box, "gp", "POST", "/sql", database=self._box.contract["gp"]["database"], sql=sql)


@asynccontextmanager
async def play(box: Sandbox) -> AsyncIterator[Steps]:
    """The scenario `customers` on a running sandbox."""
    async with DataverseUser(box.contract["dataverse"]) as dataverse:
        yield Customers(box, GpUser(box.contract["gp"]), dataverse).steps


CUSTOMERS = Scenario(play)


def _told(row: dict[str, Any]) -> str:
    """The account as Dataverse shows it to a person."""
    state = row[f"statecode{SHOWN}"].lower()
    phone = f"phone {row['telephone1']}, " if row["telephone1"] else ""
    terms, limit = row[f"paymenttermscode{SHOWN}"], row["creditlimit"]
    return f"Account {row['name']}, {row['address1_city']}: {phone}credit limit {limit:,.2f}, terms {terms}, {state}"
