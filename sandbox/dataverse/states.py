"""State and status of a row: where it begins, where it may go, and which states close it."""

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row


def check_closed(table: Table, row: Row, changes: Row) -> None:
    """Raises DataverseError for a change of other columns while the state closes the row."""
    if row.get("statecode") in table.closed and changes.keys() - {"statecode", "statuscode"}:
        text = f"This {table.name} cannot be edited because it is closed."
        raise errors.invalid_argument(text)


def _first_status(table: Table, state: int) -> int | None:
    options = table.columns["statuscode"].options
    return min((value for value, option in options.items() if option.state == state), default=None)


def start_state(env: Environment, table: Table, row: Row) -> None:
    """Give a new row its first state. Raises DataverseError 0x80048408 for a status of another one."""
    if "statecode" not in table.columns:
        return
    initial = table.columns["statecode"].default or 0
    keeps = env.switches.create_keeps_state and row.get("statecode") is not None
    state = int(str(row["statecode"])) if keeps else initial
    row["statecode"] = state
    _set_status(table, row, state, str(row[table.primary_id]))


def move_state(table: Table, row: Row, changes: Row, row_id: str) -> None:
    """Complete a change of state or status. Raises DataverseError 0x80048408 when the two do not fit."""
    if "statecode" not in changes and "statuscode" not in changes:
        return
    before = row["statecode"]
    state = int(str(before if changes.get("statecode") is None else changes["statecode"]))
    changes["statecode"] = state
    if state == before and changes.get("statuscode") is None:
        changes["statuscode"] = row["statuscode"]
    _set_status(table, changes, state, row_id)


def _set_status(table: Table, row: Row, state: int, row_id: str) -> None:
    if "statuscode" not in table.columns:
        return
    status = row.get("statuscode")
    if status is None:
        row["statuscode"] = _first_status(table, state)
        return
    option = table.columns["statuscode"].options.get(int(str(status)))
    if option is None or option.state != state:
        raise errors.bad_status(int(str(status)), state, table.name, row_id)
