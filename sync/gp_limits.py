"""What GP takes: checked before a procedure is called, since its parameters cut texts and round dates without a word."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from sync.fault import Fault
from sync.schema import Kind, Parameter
from sync.value import Value, normal

CODE_PAGE = "cp1252"
FIRST_DAY = date(1900, 1, 2)
"""1900-01-01 is how GP writes "no date"."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def fit(value: Value, target: Parameter) -> Value:
    """The value in the type of its column; None becomes GP's own nothing (blank, 0; a date stays None).

    Raises Fault, with a text that continues "<attribute> <value> ...", for what GP could not keep exactly.
    """
    return _FITS[target.kind](value, target)


def truncate(value: Value, target: Parameter) -> Value:
    """A text cut to what GP keeps, without blanks at the end."""
    return value[: target.length].rstrip(" ") if isinstance(value, str) and target.length else value


def blank(kind: Kind) -> Value:
    """What a column holds in which nothing was ever typed."""
    return _BLANKS[kind]


def _text(value: Value, target: Parameter) -> Value:
    if not isinstance(value, str | None):
        raise Fault("value_invalid", f"is no text, as GP's {target.column} needs")
    text = value or ""
    control = _CONTROL.search(text)
    if control:
        place = f"character U+{ord(control[0]):04X} at position {control.start() + 1}"
        raise Fault("control_character", f"holds the control {place}, which GP's windows can't show")
    _check_code_page(text)
    if target.length is not None and len(text) > target.length:
        raise Fault("value_too_long", f"has {len(text)} characters, GP's {target.column} takes {target.length}")
    return text


def _check_code_page(text: str) -> None:
    try:
        text.encode(CODE_PAGE)
    except UnicodeEncodeError as error:
        place = f"U+{ord(text[error.start]):04X} at position {error.start + 1}"
        raise Fault("character_unknown", f"holds the character {place}, which GP's code page 1252 lacks") from error


def _number(value: Value, target: Parameter) -> Value:
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise Fault("value_invalid", f"is no whole number, as GP's {target.column} needs")
    number = value or 0
    if not target.low <= number <= target.high:
        raise Fault(
            "value_invalid", f"is not between {target.low:,} and {target.high:,}, as GP's {target.column} needs"
        )
    return number


def _amount(value: Value, target: Parameter) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | None) or not Decimal(value or 0).is_finite():
        raise Fault("value_invalid", f"is no amount, as GP's {target.column} needs")
    amount = normal(Decimal(value or 0))
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > target.decimals:
        raise Fault("value_invalid", f"has {-exponent} decimals, GP's {target.column} keeps {target.decimals}")
    if abs(amount) >= 10**target.digits:
        raise Fault("value_invalid", f"has more than {target.digits} digits, the most GP's {target.column} takes")
    return amount


def _date(value: Value, target: Parameter) -> Value:
    if isinstance(value, datetime) or not isinstance(value, date | None):
        raise Fault("value_invalid", f"is no date, as GP's {target.column} needs")
    if value is not None and value < FIRST_DAY:
        raise Fault("value_invalid", f"is before {FIRST_DAY}, GP's first date")
    return value


_FITS: dict[Kind, Callable[[Value, Parameter], Value]] = {
    "text": _text,
    "number": _number,
    "amount": _amount,
    "date": _date,
}
_BLANKS: dict[Kind, Value] = {"text": "", "number": 0, "amount": Decimal(0), "date": None, "binary": ""}
