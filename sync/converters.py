"""The named converters of a mapping: each turns what GP holds into what Dataverse takes, and back where it can.

A converter never looks at a column's limits (the mapping does, once, for all of them) and never guesses: what it
can't turn it refuses with a `Fault`. `None` is "no value"; in GP that is a blank text, 0 or 1900-01-01.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sync import phones
from sync.schema import Kind
from sync.value import Value, normal


class Fault(Exception):
    """A value that can't pass. `code` is one of `sync.errors.CODES`; the text continues "<column> <value> ..."."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Options:
    """What a mapping file may set for a converter."""

    region: str = "US"
    format: phones.Style = "international"
    item: int = 1


type ToD365 = Callable[[Sequence[Value], Options], Value]
type ToGp = Callable[[Value, Options], Value]


@dataclass(frozen=True)
class Converter:
    """`sources` are the kinds of GP columns it reads, `paths` how many (least, most), `targets` the Dataverse types it
    writes, `options` the words of `Options` it heeds. With `keeps_unknown`, a code its look-up lacks stays as it is.
    """

    name: str
    about: str
    sources: frozenset[Kind]
    targets: frozenset[str]
    to_d365: ToD365
    to_gp: ToGp | None = None
    paths: tuple[int, int] = (1, 1)
    options: frozenset[str] = frozenset()
    keeps_unknown: bool = False


# A numeric(19,5) has 14 digits before the point; anything near this isn't GP's.
_HUGE = Decimal(10) ** 19

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


def _text(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Fault("value_invalid", "is no text")
    return value.strip(" ")


def _number(value: Value) -> int | None:
    if isinstance(value, Decimal) and abs(_finite(value)) < _HUGE and value == value.to_integral_value():
        return int(value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise Fault("value_invalid", "is no whole number")
    return value


def _amount(value: Value) -> Decimal | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if value is not None and not (isinstance(value, Decimal) and abs(_finite(value)) < _HUGE):
        raise Fault("value_invalid", "is no amount")
    return value


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise Fault("value_invalid", "is no amount")
    return value


def _trim(values: Sequence[Value], _options: Options) -> Value:
    return _text(values[0]) or None


def _lines(values: Sequence[Value], _options: Options) -> Value:
    return "\n".join(filter(None, map(_text, values))) or None


def _phone(values: Sequence[Value], options: Options) -> Value:
    return phones.to_d365(_text(values[0]), options.region, options.format)


def _email(values: Sequence[Value], options: Options) -> Value:
    """GP keeps several addresses in one column, separated by semicolons; some windows put `mailto:` in front."""
    addresses = [part.strip() for part in re.split("[;,]", _text(values[0])) if part.strip()]
    if len(addresses) < options.item:
        return None
    address = re.sub("^mailto:", "", addresses[options.item - 1], flags=re.IGNORECASE).strip()
    if not _EMAIL.fullmatch(address):
        raise Fault("email_invalid", "is no e-mail address")
    return address


def _money(values: Sequence[Value], _options: Options) -> Value:
    amount = _amount(values[0])
    return None if amount is None else normal(amount)


def _bit(value: Value) -> bool | None:
    number = _number(value)
    if number not in (0, 1, None):
        raise Fault("value_invalid", "is neither 0 nor 1")
    return None if number is None else number == 1


def _flag(values: Sequence[Value], _options: Options) -> Value:
    return _bit(values[0])


def _not_flag(values: Sequence[Value], _options: Options) -> Value:
    bit = _bit(values[0])
    return None if bit is None else not bit


def _state(values: Sequence[Value], _options: Options) -> Value:
    bit = _bit(values[0])
    return None if bit is None else int(bit)


def _option(values: Sequence[Value], _options: Options) -> Value:
    return _number(values[0])


def _date(values: Sequence[Value], _options: Options) -> Value:
    value = values[0]
    if value is not None and not isinstance(value, date):
        raise Fault("value_invalid", "is no date")
    return value.date() if isinstance(value, datetime) else value


def _credit_limit(values: Sequence[Value], _options: Options) -> Value:
    """CRLMTTYP decides: 0 no credit, 1 unlimited, 2 the amount. Only then does CRLMTAMT count."""
    match _number(values[0]):
        case 0:
            return Decimal(0)
        case 1 | None:
            return None
        case 2:
            return _money(values[1:], _options)
        case _:
            raise Fault("value_invalid", "is no credit limit type (0 none, 1 unlimited, 2 amount)")


def _text_to_gp(value: Value, _options: Options) -> Value:
    return _text(value)


def _phone_to_gp(value: Value, options: Options) -> Value:
    return phones.to_gp(_text(value), options.region)


def _money_to_gp(value: Value, _options: Options) -> Value:
    return _amount(value) or Decimal(0)


def _number_to_gp(value: Value, _options: Options) -> Value:
    return _number(value) or 0


def _flag_to_gp(value: Value, _options: Options) -> Value:
    return int(value is True)


def _not_flag_to_gp(value: Value, _options: Options) -> Value:
    return int(value is False)


def _date_to_gp(value: Value, _options: Options) -> Value:
    return _date([value], _options)


_TEXT: frozenset[Kind] = frozenset({"text"})
_NUMBER: frozenset[Kind] = frozenset({"number"})
_TEXTS = frozenset({"String", "Memo"})

CONVERTERS: dict[str, Converter] = {
    each.name: each
    for each in (
        Converter("trim", "Text without blanks around it; blank is empty.", _TEXT, _TEXTS, _trim, _text_to_gp),
        Converter(
            "lines", "Several texts, each on its line; blank ones left out.", _TEXT, _TEXTS, _lines, paths=(1, 9)
        ),
        Converter(
            "phone",
            "A phone number for people and diallers; what isn't surely understood stays as typed.",
            _TEXT,
            frozenset({"String"}),
            _phone,
            _phone_to_gp,
            options=frozenset({"region", "format"}),
        ),
        Converter(
            "email",
            "One e-mail address (`item`: which one) of a list separated by semicolons.",
            _TEXT,
            frozenset({"String"}),
            _email,
            options=frozenset({"item"}),
        ),
        Converter(
            "country",
            "A country as text; with a look-up, known spellings become one, others stay as typed.",
            _TEXT,
            frozenset({"String"}),
            _trim,
            _text_to_gp,
            keeps_unknown=True,
        ),
        Converter(
            "money",
            "An exact amount, never rounded.",
            frozenset({"amount", "number"}),
            frozenset({"Money", "Decimal", "Double"}),
            _money,
            _money_to_gp,
        ),
        Converter(
            "number",
            "A whole number.",
            frozenset({"number", "amount"}),
            frozenset({"Integer"}),
            _option,
            _number_to_gp,
        ),
        Converter("flag", "1 is yes, 0 is no.", _NUMBER, frozenset({"Boolean"}), _flag, _flag_to_gp),
        Converter("not_flag", "0 is yes, 1 is no.", _NUMBER, frozenset({"Boolean"}), _not_flag, _not_flag_to_gp),
        Converter(
            "state",
            "1 (inactive) is state 1, 0 is state 0 (active).",
            _NUMBER,
            frozenset({"State"}),
            _state,
            _number_to_gp,
        ),
        Converter(
            "option",
            "A choice: the number itself, or through a look-up from a code.",
            frozenset({"number", "text"}),
            frozenset({"Picklist", "Status"}),
            _option,
            _number_to_gp,
        ),
        Converter(
            "date",
            "A date without a time; 1900-01-01 is empty.",
            frozenset({"date"}),
            frozenset({"DateTime"}),
            _date,
            _date_to_gp,
        ),
        Converter(
            "credit_limit",
            "GP's limit type and amount: none is 0, unlimited is empty, else the amount.",
            frozenset({"number", "amount"}),
            frozenset({"Money"}),
            _credit_limit,
            paths=(2, 2),
        ),
    )
}
