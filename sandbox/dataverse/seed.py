"""The rows a new organization has, and rows put in by the door."""

from sandbox.dataverse.environment import MERGED, MESSAGES, Environment
from sandbox.dataverse.payload import Body
from sandbox.dataverse.schema import Table, stable_id
from sandbox.dataverse.store import Row, quoted
from sandbox.dataverse.writer import Writer
from sandbox.identity.registry import Application, Registry

DEFAULT_PUBLISHER, DEFAULT_SOLUTION = stable_id("publisher", "default"), stable_id("solution", "default")


def found(env: Environment, registry: Registry) -> None:
    """Make the organization's own rows where they are missing, and a user for each of the tenant's applications."""
    with env.store.transaction():
        for table, row in _own_rows(env):
            _put(env, table, row)
        tenant = registry.tenant()
        for application in [*tenant.applications, tenant.managed_identity]:
            add_user(env, application)
        sync_messages(env)


def _own_rows(env: Environment) -> list[tuple[str, Row]]:
    currency = {"isocurrencycode": "USD", "currencyname": "US Dollar", "currencysymbol": "$"}
    organization = {"name": "GP365 sandbox", "expirechangetrackingindays": 7, "pricingdecimalprecision": 2}
    publisher = {"uniquename": "DefaultPublisher", "friendlyname": "Default Publisher"}
    solution = {"uniquename": "Default", "friendlyname": "Default Solution", "version": "1.0"}
    active = {"statecode": 0, "statuscode": 1}
    return [
        (
            "transactioncurrency",
            {
                "transactioncurrencyid": env.currency,
                **currency,
                "currencyprecision": 2,
                "exchangerate": "1.0000000000",
                **active,
            },
        ),
        (
            "organization",
            {"organizationid": env.organization_id, **organization, "basecurrencyid": env.currency},
        ),
        ("businessunit", {"businessunitid": env.business_unit, "name": "GP365 sandbox"}),
        ("systemuser", {"systemuserid": env.system.id, "fullname": "SYSTEM", "isdisabled": 0}),
        (
            "publisher",
            {
                "publisherid": DEFAULT_PUBLISHER,
                **publisher,
                "customizationprefix": "new",
                "customizationoptionvalueprefix": 10000,
            },
        ),
        ("solution", {"solutionid": DEFAULT_SOLUTION, **solution, "publisherid": DEFAULT_PUBLISHER}),
    ]


def add_user(env: Environment, application: Application) -> None:
    """An application user for this application."""
    table = env.schema.table("systemuser")
    assert table is not None
    if not env.store.find(table, {"applicationid": application.client_id}):
        user = {
            "systemuserid": stable_id("user", application.client_id),
            "fullname": "# GP365",
            "applicationid": application.client_id,
            "azureactivedirectoryobjectid": application.object_id,
            "accessmode": 4,
            "isdisabled": 0,
            "businessunitid": env.business_unit,
        }
        _put(env, "systemuser", user)


def sync_messages(env: Environment) -> None:
    """Make `sdkmessages` and `sdkmessagefilters` say which tables have which messages."""
    for message in MESSAGES:
        message_id = stable_id("message", message)
        _put(env, "sdkmessage", {"sdkmessageid": message_id, "name": message})
        for table in list(env.schema):
            _filter(env, table, message, message_id)


def _filter(env: Environment, table: Table, message: str, message_id: str) -> None:
    filters = env.schema.table("sdkmessagefilter")
    assert filters is not None
    row_id = stable_id("filter", message, table.name)
    if not _has(env, table, message):
        if env.store.get(filters, row_id):
            env.store.delete(filters, row_id)
        return
    row = {"sdkmessagefilterid": row_id, "primaryobjecttypecode": table.name, "sdkmessageid": message_id}
    _put(env, "sdkmessagefilter", row)


def _has(env: Environment, table: Table, message: str) -> bool:
    """Whether a table has a message; Associate and Disassociate are no table's own."""
    match message:
        case "CreateMultiple" | "UpdateMultiple" | "UpsertMultiple":
            return table.bulk and table.name not in env.switches.no_bulk
        case "Assign":
            return "ownerid" in table.columns
        case "SetState" | "SetStateDynamicEntity":
            return "statecode" in table.columns
        case "Merge":
            return table.name in MERGED
        case "Win" | "Lose":
            return table.name == "opportunity"
    return message in {"Create", "Update", "Delete"}


def _put(env: Environment, name: str, row: Row) -> None:
    table = env.schema.table(name)
    assert table is not None
    if env.store.get(table, str(row[table.primary_id])) is None:
        stamps = {"createdon": env.now(), "modifiedon": env.now()}
        env.store.insert(table, {**row, **{k: v for k, v in stamps.items() if k in table.columns}})


def insert(env: Environment, table: Table, rows: list[Body]) -> list[str]:
    """Create rows as SYSTEM, by all the rules of a request. Returns their ids."""
    writer = Writer(env, env.system)
    return [writer.create(table, row) for row in rows]


def edit(env: Environment, table: Table, row: Row, values: Body | None) -> None:
    """Change a row as SYSTEM, or delete it for None."""
    writer = Writer(env, env.system)
    if values is None:
        writer.delete(table, row)
    else:
        writer.update(table, row, values)


def stored_rows(env: Environment, table: Table) -> list[Row]:
    """Every row of a table as it is kept, without its empty columns."""
    rows = env.store.select(f"SELECT * FROM {quoted(table.name)}")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
