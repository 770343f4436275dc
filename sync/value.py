"""The values that travel: what they may be, how they are stored as JSON and when two are the same."""

import unicodedata
from datetime import date, datetime
from decimal import Decimal

type Value = str | int | bool | Decimal | date | datetime | None
type Json = str | int | bool | list["Json"] | dict[str, "Json"] | None


def to_json(value: Value) -> Json:
    """A JSON form that `from_json` turns back: money as {"d": "1.50"}, dates as {"t": ISO text}."""
    match value:
        case Decimal():
            return {"d": str(normal(value))}
        case date():
            return {"t": value.isoformat()}
        case _:
            return value


def from_json(value: Json) -> Value:
    """The inverse of `to_json`. Raises ValueError for anything `to_json` does not write."""
    match value:
        case {"d": str(text)}:
            return Decimal(text)
        case {"t": str(text)}:
            return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
        case str() | int() | None:
            return value
        case _:
            raise ValueError(f"not a stored value: {value!r}")


def normal(number: Decimal) -> Decimal:
    """The shortest plain form of an amount: 1.50000 and 1.5 are one amount, 100 is never 1E+2."""
    short = number.normalize()
    return Decimal(f"{short:f}") if short.as_tuple().exponent > 0 else short  # type: ignore[operator]


def same(one: Value, other: Value) -> bool:
    """Whether two values tell the same: amounts by number, everything else by type and value."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one == other
    return type(one) is type(other) and one == other


def visible(text: str) -> str:
    """`text` with what can't be seen made visible (BEL is ␇), so that no value moves a cursor or forges a log line."""
    return "".join(_picture(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _picture(char: str) -> str:
    return chr(0x2400 + ord(char)) if char < " " else f"<U+{ord(char):04X}>"
