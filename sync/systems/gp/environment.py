"""Which environment a company database is: told with every poll, and on demand."""

from sync.system import Identity
from sync.systems.gp.client import GpClient, Row
from sync.systems.gp.statements import render


async def look(client: GpClient, company: str, seen: int | None) -> Identity:
    """Ask, in one round trip; `seen` is the highest version known. Raises as `GpClient.query`."""
    ((row,),) = await client.run(company, render("environment", system_database=client.settings.system_database))
    return identity_of(row, seen)


def identity_of(row: Row, seen: int | None) -> Identity:
    """The environment that a row of `environment_columns.sql` and the change version tell of."""
    names = {"server": "server", "database": "name", "company": "interid"}
    facts = {fact: "" if row[column] is None else str(row[column]).rstrip(" ") for fact, column in names.items()}
    version = row["version"]
    return Identity("gp", facts, None if version is None else int(str(version)), seen)
