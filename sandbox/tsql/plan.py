"""What compilation yields: PostgreSQL text, how to bind its parameters, and the shape of what comes back."""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal

from sandbox.tds.contract import Column, SqlType
from sandbox.tsql.catalog import Table
from sandbox.tsql.lexer import Literal
from sandbox.tsql.values import convert

_MARK = re.compile("\x00(\\d+)\x00")


@dataclass
class Binder:
    """One parameter. `source` is a literal's slot, a variable's name, or a system function with its arguments."""

    source: int | str | tuple[str, tuple["Binder", ...]]
    type: SqlType
    target: SqlType | None = None
    trim: bool = False

    def value(
        self, literals: Sequence[Literal], look_up: Callable[[str], object], system: Callable[..., object]
    ) -> object:
        if isinstance(self.source, int):
            value = literals[self.source].value
        elif isinstance(self.source, str):
            value = look_up(self.source)
        else:
            name, arguments = self.source
            value = system(name, *(argument.value(literals, look_up, system) for argument in arguments))
        if self.target is not None:
            value = convert(value, self.target, self.type)
        return value.rstrip(" ") if self.trim and isinstance(value, str) else value


@dataclass(frozen=True)
class Need:
    """A right a statement needs: `permission` on `name` (schema-qualified) in `database`."""

    database: str
    schema: str
    name: str
    permission: str


@dataclass(frozen=True)
class Command:
    """PostgreSQL text with $1, $2 ... and the binders that fill them."""

    sql: str
    binders: tuple[Binder, ...]


@dataclass
class Plan:
    """`before` runs first, in the same transaction; `assigns` are variables that take the row's values in order.

    `guards`: it locks keys that need not exist, so that inserts elsewhere have to look.
    """

    verb: str
    main: Command
    before: list[Command] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    assigns: list[tuple[str, SqlType]] = field(default_factory=list)
    accumulates: bool = False
    needs: set[Need] = field(default_factory=set)
    pinned: dict[int, object] = field(default_factory=dict)
    identity_of: Table | None = None
    into: str | None = None
    returns_rows: bool = False
    writes: Table | None = None
    guards: bool = False
    fills_identity: bool = False

    def fits(self, literals: Sequence[Literal]) -> bool:
        """Whether the plan holds for these literals: some are part of its text."""
        return all(literals[slot].value == value for slot, value in self.pinned.items())


def command(sql: str, binders: Sequence[Binder]) -> Command:
    """Number the binders that `sql` really uses."""
    order: dict[int, int] = {}

    def place(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"${order.setdefault(index, len(order) + 1)}"

    text = _MARK.sub(place, sql)
    return Command(text, tuple(binders[index] for index in order))


def postgres_text(value: object) -> object:
    """A value in the text form in which PostgreSQL takes it."""
    if value is None or isinstance(value, str | bytes):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | clock):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, uuid.UUID) else repr(value)
