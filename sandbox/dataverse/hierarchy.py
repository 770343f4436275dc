"""Parents of accounts: no account is its own ancestor."""

from sandbox.dataverse import errors
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.store import Row


def check_parent(env: Environment, row: Row, changes: Row) -> None:
    """Raises DataverseError 0x80040507 for a parent that is the account itself or below it."""
    above = changes.get("parentaccountid")
    while above is not None:
        if above == row["accountid"]:
            text = "Creating this parental association would create a loop in Accounts hierarchy."
            raise errors.DataverseError(400, "0x80040507", text)
        found = env.store.get(env.table("account"), str(above))
        above = found["parentaccountid"] if found else None
