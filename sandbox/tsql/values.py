"""Conversions of Python values: what a variable, a parameter or a literal of a SQL Server type becomes.

In the engine a `char(n)` value travels without its trailing blanks, `bit` as 0 or 1, `datetime` on its tick.
"""

import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.tds.contract import SqlError, SqlType
from sandbox.tsql.errors import error
from sandbox.tsql.kinds import FINE, FIXED, INTEGER, UNICODE, family, precision_scale, starred, type_of
from sandbox.tsql.moments import EPOCH, fine, parse_moment, tick


def code_page(text: str) -> str:
    """What is left of a text in code page 1252: `?` for every UTF-16 unit outside it."""
    if text.isascii():
        return text
    out = []
    for char in text:
        try:
            char.encode("cp1252")
            out.append(char)
        except UnicodeEncodeError:
            # The C1 controls that cp1252 leaves undefined pass through SQL Server unchanged.
            out.append(char if ord(char) < 256 else "??" if ord(char) > 0xFFFF else "?")
    return "".join(out)


def upper(text: str) -> str:
    """UPPER of text in code page 1252: what has no capital there stays."""
    return "".join(char if char in "ßµƒ" else char.upper() for char in text)


def text_value(value: object, source: SqlType | None = None) -> str:
    """A value as SQL Server's implicit conversion to varchar writes it."""
    if isinstance(value, str):
        return value.ljust(source.length) if source and source.name in FIXED and source.length else value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        # The default style 0.
        return f"{value:%b} {value.day:2d} {value.year} {value.hour % 12 or 12:2d}:{value:%M}{value:%p}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    if isinstance(value, bytes):
        return value.decode("cp1252", "replace")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def convert(value: object, kind: SqlType, source: SqlType | None = None) -> object:
    """The value a variable or parameter of type `kind` holds after being given `value`; SqlError when it can't.

    Text is cut silently and numbers are rounded half away from zero, as assignment to a variable does.
    """
    if value is None:
        return None
    group = family(kind)
    if group == "variant":
        return value
    return _CONVERT[group](value, kind, source)


def _to_text(value: object, kind: SqlType, source: SqlType | None) -> str:
    text = text_value(value, source)
    if kind.name not in UNICODE:
        text = code_page(text)
    if kind.length is not None and len(text) > kind.length and isinstance(value, int | float | Decimal):
        if not starred(source or type_of(value), kind):
            raise error(8115, "expression", kind.name)
        text = "*"
    if kind.length is not None:
        text = text[: kind.length]
    return text.rstrip(" ") if kind.name in FIXED else text


def source_name(value: object, source: SqlType | None) -> str:
    return source.name if source else "nvarchar" if isinstance(value, str) else "numeric"


def _to_integer(value: object, kind: SqlType, source: SqlType | None) -> int:
    if isinstance(value, str):
        stripped = value.strip(" ")
        if stripped and not re.fullmatch(r"[+-]?[0-9]+", stripped):
            raise error(245, source_name(value, source), value, kind.name)
        number = int(stripped or 0)
    elif isinstance(value, datetime | date | time | uuid.UUID):
        raise error(257, source_name(value, source) if source else "datetime", kind.name)
    elif isinstance(value, bytes):
        number = int.from_bytes(value[-8:], "big", signed=len(value) >= 8)
    else:
        number = int(value)  # type: ignore[call-overload]
    low, high = INTEGER[kind.name]
    if low <= number <= high:
        return number
    raise _too_big(value, number, kind, source)


def _too_big(value: object, number: int, kind: SqlType, source: SqlType | None) -> SqlError:
    if kind.name == "bigint" or (kind.name == "int" and not isinstance(value, str)):
        return error(8115, "expression", kind.name)
    if not isinstance(value, str):
        return error(220, kind.name, number)
    if kind.name == "int":
        return error(248, source_name(value, source), value)
    return error(244, source_name(value, source), value, {"smallint": "INT2", "tinyint": "INT1"}[kind.name])


def _to_bit(value: object, kind: SqlType, source: SqlType | None) -> int:
    if isinstance(value, str):
        word = value.strip(" ").lower()
        if word in {"true", "false"}:
            return int(word == "true")
        if word and not re.fullmatch(r"[+-]?[0-9]+", word):
            raise error(245, source_name(value, source), value, kind.name)
        return int(int(word or 0) != 0)
    return int(bool(value))


_EXACT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_FLOAT = re.compile(_EXACT.pattern + r"(?:[eE][+-]?[0-9]+)?")


def decimal_of(value: object, kind: SqlType, source: SqlType | None = None) -> Decimal:
    if isinstance(value, datetime | date | time | bytes | uuid.UUID):
        raise error(257, source_name(value, source), kind.name)
    if isinstance(value, str) and not _EXACT.fullmatch(value.strip(" ")):
        raise error(8114, source_name(value, source), kind.name)
    number = Decimal(
        value.strip(" ") if isinstance(value, str) else str(int(value)) if isinstance(value, bool) else str(value)
    )
    if not number.is_finite():
        raise error(8114, source_name(value, source), kind.name)
    return number


def _to_exact(value: object, kind: SqlType, source: SqlType | None) -> Decimal:
    precision, scale = precision_scale(kind)
    if isinstance(value, str) and kind.name in {"money", "smallmoney"}:
        value = value.replace("$", "").replace(",", "").strip(" ") or "0"
    number = decimal_of(value, kind, source)
    if number.adjusted() > precision:
        raise error(8115, source_name(value, source), kind.name)
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        raise error(8115, source_name(value, source), kind.name)
    return rounded


def _to_float(value: object, kind: SqlType, source: SqlType | None) -> float:
    if isinstance(value, str) and value.strip(" ") and not _FLOAT.fullmatch(value.strip(" ")):
        raise error(8114, source_name(value, source), kind.name)
    if isinstance(value, bytes | date | time | uuid.UUID):
        raise error(257, source_name(value, source), kind.name)
    return float(value.strip(" ") or 0) if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _to_moment(value: object, kind: SqlType, source: SqlType | None) -> object:
    moment = _moment(value, kind, source)
    if kind.name in FINE and source and source.name == "datetime" and isinstance(value, datetime):
        moment = fine(moment)
    if kind.name == "date":
        return moment.date()
    if kind.name == "time":
        return moment.time()
    if kind.name in {"datetime2", "datetimeoffset"}:
        return moment
    if moment.year < 1753 or (kind.name == "smalldatetime" and not 1900 <= moment.year < 2079):
        raise error(242, source_name(value, source) if isinstance(value, str) else "datetime2")
    if kind.name == "smalldatetime":
        return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0)
    return tick(moment)


def _moment(value: object, kind: SqlType, source: SqlType | None) -> datetime:
    if isinstance(value, str):
        return parse_moment(value, kind)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, time):
        return datetime.combine(date(1900, 1, 1), value)
    if isinstance(value, int | float | Decimal) and kind.name in {"datetime", "smalldatetime"}:
        return EPOCH + timedelta(days=float(value))
    raise error(206, source_name(value, source), kind.name)


def _to_binary(value: object, kind: SqlType, source: SqlType | None) -> bytes:
    if isinstance(value, str):
        value = text_value(value, source)
        raw = (
            value.encode("utf-16-le")
            if source and source.name in UNICODE
            else code_page(value).encode("cp1252", "replace")
        )
    elif isinstance(value, int):
        raw = (value & (2**64 - 1 if abs(value) >= 2**31 else 2**32 - 1)).to_bytes(
            8 if abs(value) >= 2**31 else 4, "big"
        )
    else:
        raw = bytes(value)  # type: ignore[call-overload]
    raw = raw[: kind.length] if kind.length else raw
    return raw.ljust(kind.length, b"\0") if kind.name == "binary" and kind.length else raw


def _to_uuid(value: object, kind: SqlType, source: SqlType | None) -> uuid.UUID:  # noqa: ARG001
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(str(value).strip(" "))
    except ValueError:
        raise error(8169) from None


_CONVERT = {
    "text": _to_text, "integer": _to_integer, "bit": _to_bit, "exact": _to_exact, "float": _to_float,
    "moment": _to_moment, "binary": _to_binary, "uuid": _to_uuid,
}  # fmt: skip
