"""What `doctor` says about GP: each company database, from the connection to the last column a mapping reads."""

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from sync.errors import SyncError
from sync.mapping import Mapping
from sync.schema import gp_table
from sync.system import Check
from sync.systems.gp.client import GpClient, Row
from sync.systems.gp.feeds import Facts, Source, discover, sources
from sync.systems.gp.reader import OPENJSON_LEVEL
from sync.systems.gp.statements import Statement, render
from sync.systems.gp.writing_checks import writing

_SKEW = timedelta(minutes=2)


class _Look(Protocol):
    """One group of lines about a company."""

    def __call__(self, client: GpClient, company: str) -> Awaitable[list[Check]]: ...


async def check(
    client: GpClient, companies: Iterable[str], mappings: Sequence[Mapping], written: Sequence[Mapping] = ()
) -> AsyncIterator[Check]:
    """The lines about each company; `written` are the mappings by which a flow writes to GP. Never raises a SyncError: it
    becomes the line.
    """
    for company in companies:
        async for line in _company(client, company, mappings, written):
            yield line


async def _company(
    client: GpClient, company: str, mappings: Sequence[Mapping], written: Sequence[Mapping]
) -> AsyncIterator[Check]:
    looks: list[tuple[str, _Look]] = [
        ("connection", _connection),
        ("company", _known_to_gp),
        ("tables", partial(_tables, mappings=mappings)),
        ("changes", partial(_feeds, wanted=sources(mappings))),
        ("writing", partial(writing, mappings=written)),
    ]
    for name, look in looks:
        for line in (lines := await _guarded(f"GP {company}: {name}", look(client, company))):
            yield line
        if name == "connection" and not lines[0].ok:
            return


async def _guarded(name: str, look: Awaitable[list[Check]]) -> list[Check]:
    try:
        return await look
    except SyncError as error:
        return [Check(name, ok=False, detail=error.message, next_step=error.next_step)]


async def _connection(client: GpClient, company: str) -> list[Check]:
    (server,), levels = await client.run(company, render("server"))
    ours = datetime.now(UTC)
    level = int(str(levels[0]["level"])) if levels else 0
    detail = f"{server['server']}, SQL Server {server['version']}, compatibility level {level}"
    if level < OPENJSON_LEVEL:
        detail += " (below 130: keys are sent as a list, which is slower)"
    return [
        Check(f"GP {company}: connection", ok=True, detail=detail, data={"level": str(level)}),
        _collation(company, str(server["collation"])),
        _clock(company, server["server_time"], ours),
    ]


def _collation(company: str, collation: str) -> Check:
    name = f"GP {company}: collation"
    if "_CI_" in collation:
        return Check(name, ok=True, detail=collation)
    return Check(
        name,
        ok=False,
        detail=f"{collation} tells capital from small letters, so `abc` and `ABC` are two customers in GP",
        next_step="Make sure that ids in GP are in capitals: GP365 finds no others in this database.",
    )


def _clock(company: str, raw: object, ours: datetime) -> Check:
    theirs = raw.replace(tzinfo=UTC) if isinstance(raw, datetime) else ours
    seconds = (theirs - ours).total_seconds()
    well = abs(seconds) <= _SKEW.total_seconds()
    return Check(
        f"GP {company}: clock",
        ok=well,
        detail=f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} ours",
        next_step="" if well else "Set the clock of the SQL Server, or of this host, by a time server.",
        data={"seconds": f"{seconds:.1f}"},
    )


async def _known_to_gp(client: GpClient, company: str) -> list[Check]:
    (rows,) = await client.run(company, _company_statement(client, company))
    name, system = f"GP {company}: company", client.settings.system_database
    if not rows:
        return [
            Check(
                name,
                ok=False,
                detail=f"{system} lists no company with the database {company}",
                next_step="Correct GP365_COMPANIES or GP365_GP_SYSTEM_DATABASE.",
            )
        ]
    title = str(rows[0]["title"]).rstrip(" ")
    return [Check(name, ok=True, detail=f"{title}, number {rows[0]['number']} in {system}")]


async def _tables(client: GpClient, company: str, mappings: Sequence[Mapping]) -> list[Check]:
    wanted = _wanted_columns(mappings)
    tables = sorted(wanted)
    rows, (rights,) = await client.run(company, render("schema", tables=tables))
    return [
        _table(
            company, table, wanted[table], _held(rows, table), may=rights[f"r{index}"] == 1, user=client.settings.user
        )
        for index, table in enumerate(tables)
    ]


def _table(company: str, table: str, wanted: set[str], held: set[str], *, may: bool, user: str) -> Check:
    name = f"GP {company}: table {table}"
    if not held and may:
        return Check(name, ok=False, detail="is missing", next_step="Check the company database and its version.")
    if not may:
        grant = f"In {company}: GRANT SELECT ON dbo.{table} TO [{user}];"
        return Check(name, ok=False, detail=f"is missing, or {user} may not read it", next_step=grant)
    lacking = sorted(column for column in wanted if column.upper() not in held)
    if lacking:
        return Check(
            name, ok=False, detail=f"lacks {', '.join(lacking)}", next_step="Correct the mapping (an overlay)."
        )
    return Check(name, ok=True, detail=f"{len(wanted)} columns read")


async def _feeds(client: GpClient, company: str, wanted: list[Source]) -> list[Check]:
    if not wanted:
        return []
    facts = await discover(client, company, wanted)
    tables = sorted({each.table for each in wanted})
    stamped = [table for table in tables if table in facts.stamped - facts.tracked]
    indexed = await _indexed(client, company, stamped)
    return [_feed(company, table, facts, client.settings.user, indexed=table in indexed) for table in tables]


async def _indexed(client: GpClient, company: str, tables: Sequence[str]) -> set[str]:
    """Those of the tables that have an index which begins with the time stamp."""
    if not tables:
        return set()
    (rows,) = await client.run(company, render("stamp_indexes", tables=tables))
    names = {str(row["table_name"]).upper() for row in rows}
    return {table for table in tables if table.upper() in names}


def _feed(company: str, table: str, facts: Facts, user: str, *, indexed: bool) -> Check:
    name = f"GP {company}: changes of {table}"
    if table in facts.tracked:
        return Check(name, ok=True, detail="by SQL Server Change Tracking", data={"feed": "change_tracking"})
    step = _tracking(company, table, facts, user)
    if table in facts.stamped:
        cost = "each poll reads its index" if indexed else "each poll reads the whole table"
        detail = f"by DEX_ROW_TS: deletes are found by the sweep only, and {cost}"
        step = step if indexed else f"{step} Or, for less reading, the index of infra/gp/index.sql on {table}."
        return Check(name, ok=True, detail=detail, next_step=step, data={"feed": "timestamp"})
    return Check(name, ok=False, detail="are not told: no Change Tracking, no DEX_ROW_TS", next_step=step)


def _tracking(company: str, table: str, facts: Facts, user: str) -> str:
    """What the DBA runs to have a table's changes tracked."""
    if table in facts.hidden:
        return f"In {company}: GRANT VIEW CHANGE TRACKING ON dbo.{table} TO [{user}];"
    whole = f"ALTER DATABASE [{company}] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON); "
    return f"In {company}: {whole if facts.version is None else ''}ALTER TABLE dbo.{table} ENABLE CHANGE_TRACKING;"


def _wanted_columns(mappings: Sequence[Mapping]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for mapping in mappings:
        for alias, columns in mapping.reads.items():
            join = mapping.gp.joins.get(alias)
            joined = {*join.on, *join.where} if join else set()
            wanted.setdefault(join.table if join else mapping.gp.table, set()).update(columns, joined)
        own = {parent for join in mapping.gp.joins.values() for parent in join.on.values()}
        mark = {mapping.gp.mark} & gp_table(mapping.gp.table).columns.keys()
        wanted[mapping.gp.table].update(own, mark)
    return wanted


def _held(rows: list[Row], table: str) -> set[str]:
    return {str(row["column_name"]).upper() for row in rows if str(row["table_name"]).upper() == table.upper()}


def _company_statement(client: GpClient, company: str) -> Statement:
    return render("company", system_database=client.settings.system_database, company=company)
