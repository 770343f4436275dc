"""The first addresses of accounts and contacts, which are rows of `customeraddress` too: kept in step both ways."""

from functools import cache

from sandbox.dataverse import errors
from sandbox.dataverse.derived import composite
from sandbox.dataverse.environment import Change, Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row, target_column

TWINS = {"account": 2, "contact": 3}
"""How many addresses a row of these tables holds itself: numbers 1 to this are their twins."""
SHARED = (
    *("name", "line1", "line2", "line3", "city", "stateorprovince", "county", "country", "postalcode", "postofficebox"),
    *("composite", "latitude", "longitude", "telephone1", "telephone2", "telephone3", "fax", "primarycontactname"),
    *("addresstypecode", "freighttermscode", "shippingmethodcode", "upszone", "utcoffset"),
)
"""The columns of an address that its account or contact has too, as `address1_name` and so on."""
_CODES = {"account": 1, "contact": 2}


def check_owner(env: Environment, _row: Row, changes: Row, *, creating: bool, table: str) -> None:
    """Give the addresses of a new account or contact their ids. Raises DataverseError for an id changed later."""
    for name in _id_columns(table):
        if not creating and name in changes:
            error = errors.invalid_argument(f"'{name}' cannot be changed.")
            raise errors.Unsupported("address", name, error)
        if creating and changes.get(name) is None:
            changes[name] = env.ids.new()


def _id_columns(table: str) -> list[str]:
    return [f"address{number}_addressid" for number in range(1, TWINS[table] + 1)]


def check_address(env: Environment, row: Row, changes: Row, *, creating: bool) -> None:
    """Number an address after its owner's others. Raises DataverseError for a number that is taken or changed."""
    changes["composite"] = composite(row, "")
    table = env.table("customeraddress")
    owner = str(row[target_column(table.columns["parentid"])])
    known = None if creating else env.store.get(table, str(row["customeraddressid"]))
    if known is not None:
        if any(row[name] != known[name] for name in ("addressnumber", "parentid")):
            error = errors.invalid_argument("The number and the parent of an address cannot be changed.")
            raise errors.Unsupported("address", "another number or parent", error)
        return
    changes["objecttypecode"] = _CODES[owner]
    others = [int(str(r["addressnumber"])) for r in env.store.find(table, {"parentid": row["parentid"]})]
    taken = {0, *others}
    if row.get("addressnumber") in taken:
        raise errors.invalid_argument(f"The address number {row['addressnumber']} is taken.")
    if row.get("addressnumber") is None:
        changes["addressnumber"] = max(taken) + 1


def is_twin(table: Table, row: Row) -> bool:
    """Whether an address is one that its account or contact holds itself."""
    if table.name != "customeraddress":
        return False
    return int(str(row["addressnumber"])) <= TWINS[str(row[target_column(table.columns["parentid"])])]


def follow(env: Environment, change: Change) -> None:
    """Carry a write over to the twin, from whichever side it comes. The twin raises no event of its own."""
    if change.table.name in TWINS:
        _follow_owner(env, change)
    elif change.message == "Update" and change.after and is_twin(change.table, change.after):
        _follow_twin(env, change.table, change.after)


def _follow_owner(env: Environment, change: Change) -> None:
    table = env.table("customeraddress")
    if change.after is None:
        return
    for number in range(1, TWINS[change.table.name] + 1):
        columns = _shared(number)
        if change.before is None:
            known = {name: change.after[column] for name, column in columns.items() if column in change.after}
            env.store.insert(table, _twin(env, change, number) | known)
        elif any(change.before[column] != change.after[column] for column in columns.values()):
            values = {name: change.after[column] for name, column in columns.items()}
            twin_id = str(change.after[f"address{number}_addressid"])
            env.store.update(table, twin_id, {**values, **_stamp(env, change)})


def _twin(env: Environment, change: Change, number: int) -> Row:
    owner = change.table.name
    column = env.table("customeraddress").columns["parentid"]
    return {
        "customeraddressid": (change.after or {})[f"address{number}_addressid"],
        "addressnumber": number,
        "objecttypecode": _CODES[owner],
        column.name: change.row_id,
        target_column(column): owner,
        "createdon": env.now(),
        "createdby": change.user.id,
        **_stamp(env, change),
    }


def _stamp(env: Environment, change: Change) -> Row:
    return {"modifiedon": env.now(), "modifiedby": change.user.id}


def _follow_twin(env: Environment, table: Table, row: Row) -> None:
    owner = env.table(str(row[target_column(table.columns["parentid"])]))
    values: Row = {column: row[name] for name, column in _shared(int(str(row["addressnumber"]))).items()}
    write = env.store.update if env.switches.addresses_touch_parents else env.store.amend
    write(owner, str(row["parentid"]), values)


@cache
def _shared(number: int) -> dict[str, str]:
    """Which column of the owner an address column is."""
    return {name: f"address{number}_{name}" for name in SHARED}
