"""What single tables check, and fill in, before one of their rows is written."""

from collections.abc import Callable

from sandbox.dataverse import registration
from sandbox.dataverse.environment import Environment
from sandbox.dataverse.schema import Table
from sandbox.dataverse.store import Row

Guard = Callable[[Environment, Row, Row], None]

_GUARDS: dict[str, Guard] = {
    "serviceendpoint": registration.check_endpoint,
    "sdkmessageprocessingstep": registration.check_step,
    "sdkmessageprocessingstepimage": registration.check_image,
    "asyncoperation": registration.check_job,
}


def guard(env: Environment, table: Table, row: Row, changes: Row) -> None:
    """Look at a row as it will be; what follows from it is put into `changes`. Raises DataverseError."""
    if table.name in _GUARDS:
        _GUARDS[table.name](env, row, changes)
