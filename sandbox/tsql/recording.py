"""An Output that keeps rows instead of sending them, for INSERT ... EXEC."""

from collections.abc import Iterable, Sequence

from sandbox.tds.contract import Column, Output, RpcParameter, SqlError


class RowCollector:
    """Rows are kept in `sets`; errors and messages go on to `client`."""

    def __init__(self, client: Output) -> None:
        self._client = client
        self.sets: list[tuple[Sequence[Column], list[Sequence[object]]]] = []

    def columns(self, columns: Sequence[Column]) -> None:
        self.sets.append((columns, []))

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        self.sets[-1][1].extend(list(row) for row in rows)

    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None:
        pass

    def error(self, error: SqlError) -> None:
        self._client.error(error)

    def info(self, message: SqlError) -> None:
        self._client.info(message)

    def return_status(self, status: int) -> None:
        pass

    def return_value(self, ordinal: int, parameter: RpcParameter) -> None:
        pass

    def procedure_done(self) -> None:
        pass

    def transaction(self, change: str) -> None:
        self._client.transaction(change)

    def database(self, name: str) -> None:
        self._client.database(name)
