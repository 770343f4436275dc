"""Values as eConnect's parameters take them: whatever a parameter would cut, round or misread is refused before."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from sync.errors import Rejected
from sync.schema import Parameter
from sync.systems.gp.statements import Parameter as Argument
from sync.systems.gp.statements import misread
from sync.value import Value

NO_DATE = "1900-01-01T00:00:00.000"
_FIRST_DATE = date(1900, 1, 2)


def argument(parameter: Parameter, value: Value) -> Argument:
    """The value as the parameter takes it: nothing is a blank, 0 or 1 January 1900, since GP has no NULL.

    Raises Rejected with a text that names the column, never the value.
    """
    return _MAKERS[parameter.kind](parameter, value)


def _text(parameter: Parameter, value: Value) -> str:
    if value is not None and not isinstance(value, str):
        raise _refused(parameter, "is no text, but the column is one")
    text = (value or "").rstrip(" ")
    if fault := misread(text):
        raise _refused(parameter, *fault)
    try:
        length = len(text.encode("cp1252"))
    except UnicodeEncodeError as error:
        foreign = f"U+{ord(text[error.start]):04X} at position {error.start + 1}"
        raise _refused(parameter, f"holds the character {foreign}, which GP's code page 1252 lacks") from None
    if parameter.length is not None and length > parameter.length:
        raise _refused(parameter, f"has {length} characters, GP takes {parameter.length}", "value_too_long")
    return text


def _number(parameter: Parameter, value: Value) -> int:
    number = Decimal(0) if value is None else _decimal(parameter, value)
    if number != number.to_integral_value() or not parameter.low <= number <= parameter.high:
        raise _refused(parameter, f"is no whole number from {parameter.low} to {parameter.high}")
    return int(number)


def _amount(parameter: Parameter, value: Value) -> Decimal:
    amount = Decimal(0) if value is None else _decimal(parameter, value)
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > parameter.decimals:
        raise _refused(parameter, f"has {-exponent} decimals, GP keeps {parameter.decimals}")
    if abs(amount) >= 10**parameter.digits:
        raise _refused(parameter, f"has more than {parameter.digits} digits before the point")
    return amount


def _decimal(parameter: Parameter, value: Value) -> Decimal:
    if not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise _refused(parameter, "is no number, but the column is one")
    return Decimal(value)


def _date(parameter: Parameter, value: Value) -> str:
    if value is None:
        return NO_DATE
    day = value.date() if isinstance(value, datetime) and value.time() == time() else value
    if isinstance(day, datetime) or not isinstance(day, date) or day < _FIRST_DATE:
        raise _refused(parameter, "is no date from 2 January 1900 on, without a time of day")
    return f"{day.isoformat()}T00:00:00.000"


def _refused(parameter: Parameter, text: str, code: str = "value_invalid") -> Rejected:
    return Rejected(f"{parameter.column} {text}.", code=code, system="gp")


_MAKERS: dict[str, Callable[[Parameter, Value], Argument]] = {
    "text": _text,
    "number": _number,
    "amount": _amount,
    "date": _date,
}
