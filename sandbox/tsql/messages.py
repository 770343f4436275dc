"""THROW and RAISERROR."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.tds.contract import SqlError
from sandbox.tsql.errors import Raiserror, Thrown, Unsupported, error
from sandbox.tsql.lexer import Literal
from sandbox.tsql.statements import Raise, Throw
from sandbox.tsql.values import text_value

if TYPE_CHECKING:
    from sandbox.tsql.interpreter import Interpreter
    from sandbox.tsql.session import SqlSession

_FORMAT = re.compile(r"%([-+0# ]*)(\d*)(?:\.(\d+))?(?:[hl]|I64)?([diosuxX%])")


def _value(session: "SqlSession", argument: Literal | str) -> object:
    if isinstance(argument, Literal):
        return argument.value
    if argument not in session.frame.variables:
        raise error(137, argument)
    return session.frame.variables[argument].value


def throw(session: "SqlSession", statement: Throw) -> None:
    """Always raises: the error given, or the one being handled."""
    if not statement.arguments:
        caught = next((frame.caught[-1] for frame in reversed(session.frames) if frame.caught), None)
        if caught is None:
            raise error(10704)
        raise Thrown(caught.number, caught.text, caught.severity, caught.state, caught.procedure, caught.line)
    number, text, state = (_value(session, argument) for argument in statement.arguments)
    if int(number) < 50000:  # type: ignore[call-overload]
        raise error(35100, number)
    raise Thrown(int(number), text_value(text), 16, int(state))  # type: ignore[call-overload]


def raise_error(interpreter: "Interpreter", statement: Raise) -> None:
    """Severity 10 and less is a message, the rest an error."""
    session = interpreter.session
    values = [_value(session, argument) for argument in statement.arguments]
    message, severity, state = values[0], int(values[1]), int(values[2])  # type: ignore[call-overload]
    if not isinstance(message, str):
        raise Unsupported("RAISERROR with a message number")
    if set(statement.options) - {"NOWAIT"}:
        raise Unsupported(f"RAISERROR WITH {statement.options}")
    text = formatted(message, values[3:])
    if severity <= 10:
        interpreter.output.info(SqlError(50000, text, severity, state, line=statement.line))
        return
    raise Raiserror(50000, text, severity, state)


def formatted(message: str, values: Sequence[object]) -> str:
    """printf as RAISERROR knows it."""
    left = list(values)

    def place(match: re.Match[str]) -> str:
        if match[4] == "%":
            return "%"
        value = left.pop(0) if left else None
        if value is None:
            return "(null)"
        return f"%{match[1]}{match[2]}{match[4].replace('u', 'd').replace('i', 'd')}" % value

    return _FORMAT.sub(place, message)[:2047]
