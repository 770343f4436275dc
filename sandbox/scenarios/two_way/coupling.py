"""THREE has customers, Dataverse has accounts, and some are the same companies: a person decides in the match file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from sandbox.scenarios.customers import CUSTOMER
from sandbox.scenarios.dataverse_user import DataverseUser
from sandbox.scenarios.gp_user import GpUser
from sandbox.scenarios.scenario import NotSeen, Steps, app, until
from sandbox.up import Sandbox

type Row = dict[str, Any]

SURE, TWINS, ALONE = "CASCADE0001", "FOURTHCO0001", "TREYRESE0001"
PLACE = {"ADRSCODE": "PRIMARY", "ADDRESS1": "7 Pike Street", "CITY": "Seattle", "STATE": "WA", "ZIPCODE": "98101"}
CUSTOMERS = [
    {"CUSTNMBR": SURE, "CUSTNAME": "Cascade Coffee Inc.", "PHNUMBR1": "20655501000000"} | PLACE,
    {"CUSTNMBR": TWINS, "CUSTNAME": "Fourth Coffee"} | PLACE,
    {"CUSTNMBR": ALONE, "CUSTNAME": "Trey Research"} | PLACE,
]
SAME_PLACE = {"address1_line1": "7 Pike St.", "address1_city": "Seattle", "address1_postalcode": "98101"}
ACCOUNTS = [
    {"name": "Cascade Coffee", "telephone1": "(206) 555-0100"} | SAME_PLACE,
    {"name": "Fourth Coffee", "address1_city": "Seattle"},
    {"name": "Fourth Coffee", "address1_city": "Portland"},
    {"name": "Wingtip Toys", "address1_city": "Boise"},
]
OURS = {"customertypecode": 3, "accountcategorycode": 2}
"""A customer, and THREE's."""


class Coupling:
    """The steps, in the order they are played."""

    def __init__(self, box: Sandbox, gp: GpUser, dataverse: DataverseUser) -> None:
        self._box = box
        self._gp = gp
        self._dataverse = dataverse
        self._ids: list[str] = []
        self._customers: dict[str, object] = {}

    @property
    def steps(self) -> Steps:
        return [
            self.two_populated_sides_are_compared_and_nothing_is_written,
            self.what_a_person_decides_in_the_match_file_is_coupled_without_a_duplicate,
        ]

    @property
    def _file(self) -> Path:
        return self._box.state / "match.xlsx"

    async def two_populated_sides_are_compared_and_nothing_is_written(self) -> str:
        await app(self._box, "pause", "--company", "THREE", "--why", "first coupling")
        for customer in CUSTOMERS:
            await self._gp.type_in(CUSTOMER, **customer)
        self._ids = [await self._dataverse.create("accounts", account | OURS) for account in ACCOUNTS]
        self._customers, accounts = await self._in_gp(), await self._accounts()
        *_, told = await app(self._box, *self._match("--out"))
        if await self._accounts() != accounts or await self._in_gp() != self._customers:
            raise NotSeen("The report has written")
        if (told["couples"], told["doubtful"]) != (1, 1):
            raise NotSeen(f"The report tells other couples: {told}")
        return (
            f"A person paused THREE and asked for the match file: {len(self._customers)} customers, {len(accounts)} accounts; "
            f"{told['couples']} sure couple, {told['doubtful']} customer with possible duplicates, {told['only_gp']} in GP alone, "
            f"{told['only_dataverse']} in Dataverse alone. Stamps and versions are as before"
        )

    async def what_a_person_decides_in_the_match_file_is_coupled_without_a_duplicate(self) -> str:
        cascade, seattle, portland, toys = self._ids
        self._decide({seattle: "couple", portland: "not"})
        *_, told = await app(self._box, *self._match("--apply"))
        await app(self._box, "resume", "--company", "THREE")
        couples = {cascade: SURE, seattle: TWINS, portland: None, toys: None}
        await until(self._numbers, lambda found: found.items() >= couples.items(), f"the couples {couples}")
        await until(self._numbers, lambda found: len(found) == len(ACCOUNTS) + 1, f"one account more, for {ALONE}")
        others = dict.fromkeys((portland, toys), "approval_needed")
        await until(self._waiting, lambda waiting: waiting == others, "the two others, waiting for approval")
        numbers = sorted(number for number in (await self._numbers()).values() if number)
        if numbers != sorted([SURE, TWINS, ALONE]) or (await self._in_gp()).keys() != self._customers.keys():
            raise NotSeen(f"The accounts' numbers are {numbers}, the customers {list(await self._in_gp())}")
        return (
            f"A person wrote `couple` beside the Fourth Coffee in Seattle, `not` beside that in Portland, and applied the file: "
            f"{told['coupled']} coupled. {ALONE} got an account of its own, once; the two accounts left ask for approval. "
            f"THREE has {len(self._customers)} customers as before"
        )

    def _match(self, option: str) -> list[str]:
        return ["match", "--pair", "customer", "--company", "THREE", option, str(self._file)]

    def _decide(self, decisions: Mapping[str, str]) -> None:
        """Open the file, write decisions beside possible duplicates, and save it."""
        book = load_workbook(self._file)
        sheet = book["possible duplicates"]
        columns = {cell.value: cell.column - 1 for cell in sheet[1]}
        for row in sheet.iter_rows(min_row=2):
            row[columns["decision"]].value = decisions.get(row[columns["Dataverse id"]].value)
        book.save(self._file)

    async def _accounts(self) -> list[Row]:
        """THREE's accounts, with their versions."""
        columns = "accountid,accountnumber,name,telephone1,address1_city,gp365_key"
        ours = "accountcategorycode eq 2 or startswith(gp365_key,'THREE-')"
        return await self._dataverse.rows("accounts", select=columns, filter=ours)

    async def _numbers(self) -> dict[str, str | None]:
        return {row["accountid"]: row["accountnumber"] for row in await self._accounts()}

    async def _in_gp(self) -> dict[str, object]:
        """When each customer of THREE was changed last, by its id."""
        rows = await self._gp.rows("SELECT CUSTNMBR, DEX_ROW_TS FROM RM00101")
        return {row["CUSTNMBR"]: row["DEX_ROW_TS"] for row in rows}

    async def _waiting(self) -> dict[str, str]:
        """Why which records are parked."""
        return {entry["key"]: entry["code"] for entry in await app(self._box, "parked", "list", "--company", "THREE")}
