"""The SQL of this folder: Jinja2 templates in `sql/`, names quoted, values passed apart from the text.

Names come from validated mappings only. Values never enter the text here: pymssql writes them in as literals.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

type Parameter = str | int

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE = re.compile(r"[a-z]+[0-9]*(\([0-9]+(,[0-9]+)?\))?")


@dataclass(frozen=True)
class Statement:
    text: str
    parameters: tuple[Parameter, ...] = ()


def render(template: str, **facts: object) -> Statement:
    """The batch that `sql/<template>.sql` makes of `facts`. Raises ValueError for a name that SQL would misread."""
    parameters: list[Parameter] = []

    def value(given: Parameter, sql_type: str = "") -> str:
        parameters.append(given)
        return f"CAST(%s AS {_checked(sql_type, _TYPE)})" if sql_type else "%s"

    text = _environment.get_template(f"{template}.sql").render(**facts, value=value)
    return Statement(text, tuple(parameters))


def quoted(name: str) -> str:
    """A name in brackets."""
    return f"[{_checked(name, _NAME)}]"


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
_environment.filters["name"] = quoted
