"""The SQL of this folder: Jinja2 templates in `sql/`, names quoted, values passed apart from the text.

Names come from validated mappings only. Values never enter the text here: pymssql writes them in as literals.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

type Parameter = str | int | Decimal

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE = re.compile(r"[a-z]+[0-9]*(\((max|[0-9]+(,[0-9]+)?)\))?")
_BYTES = re.compile(r"([0-9A-F]{2})+")


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: tuple[Parameter, ...] = ()


def render(template: str, **facts: object) -> Statement:
    """The batch that `sql/<template>.sql` makes of `facts`. Raises ValueError for a name that SQL would misread."""
    parameters: list[Parameter] = []

    def value(given: Parameter, as_type: str = "") -> str:
        parameters.append(given)
        return f"CAST(%s AS {sql_type(as_type)})" if as_type else "%s"

    text = _environment.get_template(f"{template}.sql").render(**facts, value=value)
    return Statement(text, tuple(parameters))


def misread(value: Parameter) -> tuple[str, str] | None:
    """Why a value can't stand in a batch, and the code of that cause: the driver cuts the whole batch at a NUL; SQL Server
    drops a backslash before a line end in a literal.
    """
    if not isinstance(value, str):
        return None
    if "\0" in value:
        return "holds a NUL character", "control_character"
    if "\\\n" in value or "\\\r\n" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return "holds characters that SQL Server misreads", "value_invalid"
    return None


def quoted(name: str) -> str:
    """A name in brackets."""
    return f"[{_checked(name, _NAME)}]"


def variable(name: str) -> str:
    """A variable of the batch."""
    return f"@{_checked(name, _NAME)}"


def sql_type(text: str) -> str:
    """A type, as it stands in a declaration."""
    return _checked(text, _TYPE)


def hexadecimal(text: str) -> str:
    """Bytes, given as hexadecimal digits, as a literal."""
    return f"0x{_checked(text, _BYTES)}"


def _checked(text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} can't stand in SQL")
    return text


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "sql"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)
_environment.filters |= {"name": quoted, "variable": variable, "type": sql_type, "bytes": hexadecimal}
