"""What GP holds as Dataverse takes it, one function a converter. `None` is "no value"; in GP that is a blank text, 0 or
1900-01-01.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sync import phones
from sync.fault import Fault
from sync.value import Value, normal


@dataclass(frozen=True)
class Options:
    """What a mapping file may set for a converter."""

    region: str = "US"
    format: phones.Style = "international"
    item: int = 1


HUGE = Decimal(10) ** 19
"""A numeric(19,5) has 14 digits before the point; anything near this isn't GP's."""

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


def plain_text(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Fault("value_invalid", "is no text")
    return value.strip(" ")


def whole_number(value: Value) -> int | None:
    if isinstance(value, Decimal) and abs(_finite(value)) < HUGE and value == value.to_integral_value():
        return int(value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise Fault("value_invalid", "is no whole number")
    return value


def an_amount(value: Value) -> Decimal | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if value is not None and not (isinstance(value, Decimal) and abs(_finite(value)) < HUGE):
        raise Fault("value_invalid", "is no amount")
    return value


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise Fault("value_invalid", "is no amount")
    return value


def trim(values: Sequence[Value], _options: Options) -> Value:
    return plain_text(values[0]) or None


def lines(values: Sequence[Value], _options: Options) -> Value:
    return "\n".join(filter(None, map(plain_text, values))) or None


def phone(values: Sequence[Value], options: Options) -> Value:
    return phones.to_d365(plain_text(values[0]), options.region, options.format)


def email(values: Sequence[Value], options: Options) -> Value:
    """Some of GP's windows put `mailto:` in front."""
    typed = take_address(values[0], options.item)
    return an_email(re.sub("^mailto:", "", typed, flags=re.IGNORECASE).strip()) if typed else None


def addresses(value: Value) -> list[str]:
    """GP keeps several addresses in one column, separated by semicolons."""
    return [part.strip() for part in re.split("[;,]", plain_text(value)) if part.strip()]


def take_address(value: Value, item: int) -> str | None:
    """The address at that place, counted from 1, as it was typed."""
    found = addresses(value)
    return found[item - 1] if item <= len(found) else None


def an_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise Fault("email_invalid", "is no e-mail address")
    return text


def money(values: Sequence[Value], _options: Options) -> Value:
    amount = an_amount(values[0])
    return None if amount is None else normal(amount)


def _bit(value: Value) -> bool | None:
    number = whole_number(value)
    if number not in (0, 1, None):
        raise Fault("value_invalid", "is neither 0 nor 1")
    return None if number is None else number == 1


def flag(values: Sequence[Value], _options: Options) -> Value:
    return _bit(values[0])


def not_flag(values: Sequence[Value], _options: Options) -> Value:
    bit = _bit(values[0])
    return None if bit is None else not bit


def state(values: Sequence[Value], _options: Options) -> Value:
    bit = _bit(values[0])
    return None if bit is None else int(bit)


def number(values: Sequence[Value], _options: Options) -> Value:
    return whole_number(values[0])


def day(values: Sequence[Value], _options: Options) -> Value:
    value = values[0]
    if value is not None and not isinstance(value, date):
        raise Fault("value_invalid", "is no date")
    return value.date() if isinstance(value, datetime) else value


def credit_limit(values: Sequence[Value], _options: Options) -> Value:
    """CRLMTTYP decides: 0 no credit, 1 unlimited, 2 the amount. Only then does CRLMTAMT count."""
    match whole_number(values[0]):
        case 0:
            return Decimal(0)
        case 1 | None:
            return None
        case 2:
            return money(values[1:], _options)
        case _:
            raise Fault("value_invalid", "is no credit limit type (0 none, 1 unlimited, 2 amount)")
