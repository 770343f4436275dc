"""Runs SQL as an administrator inside the process, and remembers what came out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.tds.contract import Column, Engine, Login, RpcParameter, Session, SqlError


@dataclass
class ResultSet:
    columns: list[str]
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def dicts(self) -> list[dict[str, object]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Recording:
    """An `Output` that keeps result sets and errors."""

    def __init__(self) -> None:
        self.results: list[ResultSet] = []
        self.errors: list[SqlError] = []
        self.outputs: dict[str, object] = {}
        self.status: int | None = None

    def columns(self, columns: Sequence[Column]) -> None:
        self.results.append(ResultSet([column.name for column in columns]))

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        self.results[-1].rows.extend(tuple(row) for row in rows)

    def error(self, error: SqlError) -> None:
        self.errors.append(error)

    def return_status(self, status: int) -> None:
        self.status = status

    def return_value(self, ordinal: int, parameter: RpcParameter) -> None:  # noqa: ARG002
        self.outputs[parameter.name] = parameter.value

    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None: ...
    def info(self, message: SqlError) -> None: ...
    def procedure_done(self) -> None: ...
    def transaction(self, change: str) -> None: ...
    def database(self, name: str) -> None: ...


class Admin:
    """A connection of `sa` to one database. Raises SqlError on the first error that an answer holds."""

    def __init__(self, engine: Engine, password: str, database: str) -> None:
        self._session: Session = engine.login(Login("sa", password, database, app="gp-admin"))

    def __enter__(self) -> "Admin":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def run(self, sql: str) -> list[ResultSet]:
        output = Recording()
        self._session.batch(sql, output)
        if output.errors:
            raise output.errors[0]
        return output.results

    def call(self, procedure: str, parameters: Sequence[RpcParameter]) -> Recording:
        """Call a procedure; its outputs and RETURN value are in the recording."""
        output = Recording()
        self._session.rpc(procedure, parameters, output)
        if output.errors:
            raise output.errors[0]
        return output
