"""Drives a session without the wire and remembers what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.tds.contract import Column, RpcParameter, SqlError
from sandbox.tsql.session import SqlSession


@dataclass
class Recorder:
    """An Output that remembers what it was sent, in order."""

    events: list[tuple[str, object]] = field(default_factory=list)
    sets: list[list[tuple[object, ...]]] = field(default_factory=list)
    shapes: list[list[Column]] = field(default_factory=list)
    errors: list[SqlError] = field(default_factory=list)
    infos: list[SqlError] = field(default_factory=list)
    returned: list[RpcParameter] = field(default_factory=list)
    counts: list[int | None] = field(default_factory=list)

    def columns(self, columns: Sequence[Column]) -> None:
        self.events.append(("columns", [column.name for column in columns]))
        self.shapes.append(list(columns))
        self.sets.append([])

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        self.sets[-1] += [tuple(row) for row in rows]
        self.events.append(("rows", len(self.sets[-1])))

    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None:
        self.counts.append(count)
        self.events.append(("done", (count, in_procedure, error)))

    def error(self, error: SqlError) -> None:
        self.errors.append(error)
        self.events.append(("error", error.number))

    def info(self, message: SqlError) -> None:
        self.infos.append(message)
        self.events.append(("info", message.number))

    def return_status(self, status: int) -> None:
        self.events.append(("status", status))

    def return_value(self, ordinal: int, parameter: RpcParameter) -> None:
        self.returned.append(parameter)
        self.events.append(("value", ordinal))

    def procedure_done(self) -> None:
        self.events.append(("procedure", None))

    def transaction(self, change: str) -> None:
        self.events.append(("transaction", change))

    def database(self, name: str) -> None:
        self.events.append(("database", name))

    @property
    def numbers(self) -> list[int]:
        return [error.number for error in self.errors]


class Client:
    """A session with a short way to ask it things."""

    def __init__(self, session: SqlSession) -> None:
        self.session = session

    def run(self, text: str) -> Recorder:
        recorder = Recorder()
        self.session.batch(text, recorder)
        return recorder

    def rows(self, text: str) -> list[tuple[object, ...]]:
        """The rows of a batch that must not fail and answers with one result set."""
        recorder = self.run(text)
        assert recorder.errors == []
        assert len(recorder.sets) == 1
        return recorder.sets[0]

    def value(self, text: str) -> object:
        rows = self.rows(text)
        assert len(rows) == 1
        return rows[0][0]
