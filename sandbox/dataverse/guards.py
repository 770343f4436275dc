"""What single tables check, and fill in, before one of their rows is written."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from sandbox.dataverse import addresses, hierarchy, registration
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row


class Guard(Protocol):
    """Looks at a row as it will be; what follows from it is put into `changes`. Raises DataverseError."""

    def __call__(self, env: Environment, row: Row, changes: Row, *, creating: bool) -> None: ...


def _always(check: Callable[[Environment, Row, Row], None]) -> Guard:
    """A guard that does not ask whether the row is new."""

    def guard(env: Environment, row: Row, changes: Row, *, creating: bool) -> None:  # noqa: ARG001
        check(env, row, changes)

    return guard


_GUARDS: dict[str, tuple[Guard, ...]] = {
    "account": (partial(addresses.check_owner, table="account"), _always(hierarchy.check_parent)),
    "contact": (partial(addresses.check_owner, table="contact"),),
    "customeraddress": (addresses.check_address,),
    "serviceendpoint": (_always(registration.check_endpoint),),
    "sdkmessageprocessingstep": (_always(registration.check_step),),
    "sdkmessageprocessingstepimage": (_always(registration.check_image),),
    "asyncoperation": (_always(registration.check_job),),
}


def guard(env: Environment, table: Table, row: Row, changes: Row, *, creating: bool) -> None:
    """Ask the guards of a table."""
    for check in _GUARDS.get(table.name, ()):
        check(env, row, changes, creating=creating)
