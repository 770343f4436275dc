"""What `doctor` says about writing to GP: asked only where a flow does."""

from collections.abc import Sequence

from sync.mapping import Mapping
from sync.system import Check
from sync.systems.gp.client import GpClient
from sync.systems.gp.marks import STORED_LENGTH
from sync.systems.gp.statements import render
from sync.systems.gp.written import CUSTOMERS, PROCEDURES


async def writing(client: GpClient, company: str, mappings: Sequence[Mapping]) -> list[Check]:
    """The rights to write, eConnect's procedures, and the column for the mark. Raises as `GpClient.query`."""
    found = [line for mapping in mappings for line in await _pair(client, company, mapping)]
    return list({line.name: line for line in found}.values())


async def _pair(client: GpClient, company: str, mapping: Mapping) -> list[Check]:
    procedures = [name for table, name in PROCEDURES.items() if table in _written(mapping)]
    facts = {
        "procedures": procedures,
        "system_database": client.settings.system_database,
        "mark": mapping.gp.mark,
        "length": STORED_LENGTH,
    }
    (rights,), (texts,), (marks,) = await client.run(company, render("writing", table=mapping.gp.table, **facts))
    user = client.settings.user
    lines = [
        _procedure(company, name, user, may=rights[f"r{index}"] == 1, there=rights[f"p{index}"] is not None)
        for index, name in enumerate(procedures)
    ]
    return [*lines, _texts(client, company, may=texts["may"] == 1), _mark(company, mapping, int(str(marks["others"])))]


def _procedure(company: str, name: str, user: str, *, may: bool, there: bool) -> Check:
    line = f"GP {company}: procedure {name}"
    if may:
        return Check(line, ok=True, detail=f"{user} may execute it")
    if not there:
        step = "Install eConnect in this company. If it is there, grant the right: it is hidden without it."
        return Check(line, ok=False, detail="is missing, or hidden", next_step=step)
    grant = f"In {company}: GRANT EXECUTE ON dbo.{name} TO [{user}]; see infra/gp/rights-to-write.sql."
    return Check(line, ok=False, detail=f"{user} may not execute it", next_step=grant)


def _texts(client: GpClient, company: str, *, may: bool) -> Check:
    """Only errors of a company's own customisations need them."""
    name, table = f"GP {company}: error texts", f"{client.settings.system_database}.dbo.taErrorCode"
    if may:
        return Check(name, ok=True, detail=f"read from {table}")
    grant = f"GRANT SELECT ON {table} TO [{client.settings.user}];"
    return Check(name, ok=True, detail="errors of customisations are told by their number only", next_step=grant)


def _mark(company: str, mapping: Mapping, others: int) -> Check:
    name, column = f"GP {company}: mark of {mapping.gp.table}", f"{mapping.gp.table}.{mapping.gp.mark}"
    if not others:
        return Check(name, ok=True, detail=f"{column} is free")
    step = "Find out which program uses it. If it still does, name another column in the mapping (gp: mark:)."
    return Check(name, ok=False, detail=f"{column} holds something else in {others:,} records", next_step=step)


def _written(mapping: Mapping) -> set[str]:
    """A customer is written with its joined rows, anything else alone."""
    joins = mapping.gp.joins.values() if mapping.gp.table == CUSTOMERS else ()
    return {mapping.gp.table, *(join.table for join in joins)}
