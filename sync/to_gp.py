"""What Dataverse holds as GP takes it: the inverse of each function in `sync.to_d365`, where it has one.

Each takes Dataverse's value and gives one value per column; `None` becomes GP's own nothing. `present` is what those
columns hold now.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from sync import phones
from sync.fault import Fault
from sync.to_d365 import Options, addresses, an_amount, an_email, day, plain_text, whole_number
from sync.value import Value


def text(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [plain_text(value)]


def lines(value: Value, _options: Options, present: Sequence[Value]) -> Sequence[Value]:
    """Blank lines are left out, as they are on the way there."""
    typed = [line for each in re.split("\r\n|\r|\n", plain_text(value)) if (line := each.strip(" "))]
    if len(typed) > len(present):
        raise Fault("value_too_long", f"has {len(typed)} lines, GP has room for {len(present)}")
    return [*typed, *[""] * (len(present) - len(typed))]


def phone(value: Value, options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [phones.to_gp(plain_text(value), options.region)]


def email(value: Value, options: Options, present: Sequence[Value]) -> Sequence[Value]:
    return [put_addresses(present[0], {options.item: value})]


def put_addresses(present: Value, wanted: Mapping[int, Value]) -> str:
    """GP's list with the addresses at those places, counted from 1, put in. It has no gaps: where one is taken out, the
    next one moves up.
    """
    slots = dict(enumerate(addresses(present), 1))
    slots |= {place: an_email(plain_text(value)) if value else "" for place, value in wanted.items()}
    return "; ".join(address for _, address in sorted(slots.items()) if address)


def amount(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [an_amount(value) or Decimal(0)]


def number(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [whole_number(value) or 0]


def flag(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [int(_yes_no(value) is True)]


def not_flag(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    """An empty one is a no, as everywhere in Dataverse."""
    return [int(_yes_no(value) is not True)]


def date(value: Value, options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    return [day([value], options)]


def credit_limit(value: Value, _options: Options, _present: Sequence[Value]) -> Sequence[Value]:
    """The type is told first, CRLMTTYP: 0 no credit, 1 unlimited, 2 the amount. GP refuses an amount beside another type."""
    limit = an_amount(value)
    if limit is None:
        return [1, Decimal(0)]
    return [2 if limit else 0, limit]


def _yes_no(value: Value) -> bool | None:
    if not isinstance(value, bool | None):
        raise Fault("value_invalid", "is neither yes nor no")
    return value
