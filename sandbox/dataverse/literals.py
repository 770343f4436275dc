"""Constants of OData 4.0's URL grammar: strings, numbers, ids, dates and moments."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(rf"{_DAY.pattern}T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
TOKEN = re.compile(
    r"\s*(?:"
    rf"(?P<guid>{GUID.pattern})|(?P<datetime>{_MOMENT.pattern})|(?P<date>{_DAY.pattern})"
    r"""
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^']|'')*')
    | (?P<alias>@\w+)
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<mark>[()\[\],/:=])
    )""",
    re.VERBOSE,
)
_INT64 = 2**63


@dataclass(frozen=True)
class Literal:
    """A constant. `edm` is its OData type, "null" for null and "Collection" for a tuple of constants."""

    value: object
    edm: str


def instant(text: str) -> str:
    """A date and time with offset as stored here: UTC, whole seconds, `Z`. Raises ValueError for another form."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%SZ}"


def day(text: str) -> str:
    """A date as stored here. Raises ValueError for another form than `2025-01-31`."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


def constant(kind: str, text: str) -> Literal | None:
    """The constant of one token, None for a token that is none. Raises ValueError for a date there is not."""
    match kind, text:
        case "string", _:
            return Literal(text[1:-1].replace("''", "'"), "Edm.String")
        case "guid", _:
            return Literal(text.lower(), "Edm.Guid")
        case "datetime", _:
            return Literal(instant(text), "Edm.DateTimeOffset")
        case "date", _:
            return Literal(day(text), "Edm.Date")
        case "number", _:
            number = Decimal(text)
            whole = re.fullmatch(r"-?\d+", text) and -_INT64 <= number < _INT64
            return Literal(int(text), "Edm.Int32") if whole else Literal(number, "Edm.Decimal")
        case "name", "true" | "false":
            return Literal(text == "true", "Edm.Boolean")
        case "name", "null":
            return Literal(None, "null")
    return None
