"""What a Dataverse column takes: checked before anything is sent, so that every fault of a record is known at once."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from sync.fault import Fault
from sync.schema import Attribute
from sync.value import Value

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def check(value: Value, target: Attribute) -> None:
    """Whether the target column takes the value. Raises Fault with a text that continues "<column> <value> ..."."""
    if value is not None and target.type in _CHECKS:
        _CHECKS[target.type](value, target)


def truncate(value: Value, target: Attribute) -> Value:
    """A text cut to what the column holds, in UTF-16 units as Dataverse counts, without blanks at the end."""
    if not isinstance(value, str) or target.max_length is None or utf16_length(value) <= target.max_length:
        return value
    return (
        value.encode("utf-16-le", "surrogatepass")[: 2 * target.max_length].decode("utf-16-le", "ignore").rstrip()
        or None
    )


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _check_text(value: Value, target: Attribute) -> None:
    if not isinstance(value, str):
        raise Fault("value_invalid", f"is no text, {target.name} is one")
    control = _CONTROL.search(value)
    if control:
        place = f"character U+{ord(control[0]):04X} at position {control.start() + 1}"
        raise Fault("control_character", f"holds the control {place}, which Dataverse's {target.name} refuses")
    length = utf16_length(value)
    if target.max_length is not None and length > target.max_length:
        raise Fault("value_too_long", f"has {length} characters, Dataverse's {target.name} takes {target.max_length}")


def _check_yes_no(value: Value, target: Attribute) -> None:
    if not isinstance(value, bool):
        raise Fault("value_invalid", f"is neither yes nor no, as {target.name} needs")


def _check_option(value: Value, target: Attribute) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault("value_invalid", f"is no number of a choice, as {target.name} needs")
    if target.options and value not in target.options:
        known = ", ".join(map(str, sorted(target.options)))
        raise Fault("value_invalid", f"gives {value}, which is no choice of {target.name} ({known})")


def _check_integer(value: Value, target: Attribute) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault("value_invalid", f"is no whole number, as {target.name} needs")
    _check_range(value, target)


def _check_amount(value: Value, target: Attribute) -> None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise Fault("value_invalid", f"is no amount, as {target.name} needs")
    exponent = Decimal(value).normalize().as_tuple().exponent
    if target.decimals is not None and isinstance(exponent, int) and -exponent > target.decimals:
        raise Fault("value_invalid", f"has {-exponent} decimals, {target.name} keeps {target.decimals}")
    _check_range(value, target)


def _check_range(value: int | Decimal, target: Attribute) -> None:
    if target.minimum is not None and value < target.minimum:
        raise Fault("value_invalid", f"is less than {target.minimum:,}, the least {target.name} takes")
    if target.maximum is not None and value > target.maximum:
        raise Fault("value_invalid", f"is more than {target.maximum:,}, the most {target.name} takes")


def _check_date(value: Value, target: Attribute) -> None:
    if not isinstance(value, date):
        raise Fault("value_invalid", f"is no date, as {target.name} needs")


_CHECKS: dict[str, Callable[[Value, Attribute], None]] = {
    "String": _check_text,
    "Memo": _check_text,
    "Boolean": _check_yes_no,
    "Picklist": _check_option,
    "State": _check_option,
    "Status": _check_option,
    "Integer": _check_integer,
    "Money": _check_amount,
    "Decimal": _check_amount,
    "Double": _check_amount,
    "DateTime": _check_date,
}
