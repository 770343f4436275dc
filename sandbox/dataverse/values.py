"""Values of one column: from JSON as a client sends it to what is stored, and back with its formatted text."""

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sandbox.dataverse import errors
from sandbox.dataverse.literals import GUID, day, instant
from sandbox.dataverse.schema import Column, Table

MONEY_LIMIT = Decimal("922337203685477")
DECIMAL_LIMIT = Decimal(100_000_000_000)
_EARLIEST = "1753-01-01"
# SQL Server keeps money with 4 decimals and CRM decimals with 10, and that many are sent back.
_SENT_BACK = {"Money": 4, "Decimal": 10}
_EDM = {
    "String": "Edm.String",
    "Memo": "Edm.String",
    "EntityName": "Edm.String",
    "Image": "Edm.Binary",
    "Integer": "Edm.Int32",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Double": "Edm.Double",
    "Boolean": "Edm.Boolean",
    "Uniqueidentifier": "Edm.Guid",
    "Lookup": "Edm.Guid",
    "Customer": "Edm.Guid",
    "Owner": "Edm.Guid",
}


def edm(column: Column) -> str:
    """The OData type of a column."""
    if column.type == "DateTime":
        return "Edm.Date" if column.is_date_only else "Edm.DateTimeOffset"
    return _EDM[column.type]


def stored(table: Table, column: Column, value: object) -> object:
    """What is kept for a JSON value of a column that is no lookup.

    Raises DataverseError: wrong type 0x80048d19, text too long 0x80044331, number out of range 0x8004432f or
    0x80044330, unknown choice 0x8004431a; images are not imitated.
    """
    if value is None:
        return None
    match column.type:
        case "String" | "Memo" | "EntityName":
            return _text(table, column, value)
        case "Image":
            error = errors.invalid_argument(f"The image '{column.name}' cannot be written here.")
            raise errors.Unsupported("column type", "Image", error)
        case "Integer" | "BigInt":
            return _integer(table, column, value)
        case "Picklist" | "State" | "Status":
            return _choice(table, column, value)
        case "Decimal" | "Money" | "Double":
            return _number(table, column, value)
        case "Boolean" if isinstance(value, bool):
            return int(value)
        case "DateTime" if isinstance(value, str):
            return _moment(table, column, value)
        case "Uniqueidentifier" if isinstance(value, str) and GUID.fullmatch(value):
            return value.lower()
    raise _wrong(table, column, value)


def _wrong(table: Table, column: Column, value: object) -> errors.DataverseError:
    return errors.wrong_type(table.entity_set_name, value, edm(column))


def _text(table: Table, column: Column, value: object) -> str | None:
    if not isinstance(value, str):
        raise _wrong(table, column, value)
    if not value:
        return None
    if column.pattern and not re.fullmatch(column.pattern, value):
        raise errors.invalid_argument(f"The value '{value}' of '{column.name}' does not match {column.pattern}.")
    # nvarchar counts UTF-16 units: a character outside the basic plane takes two.
    if column.max_length and len(value.encode("utf-16-le", "surrogatepass")) // 2 > column.max_length:
        raise errors.too_long(column.name, table.name, column.max_length)
    return value


def _integer(table: Table, column: Column, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(table, column, value)
    bits = 63 if column.type == "BigInt" else 31
    if not -(2**bits) <= value < 2**bits:
        raise _wrong(table, column, value)
    _check_range(table, column, Decimal(value), "0x8004432f")
    return value


def _choice(table: Table, column: Column, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(table, column, value)
    if column.options and value not in column.options:
        if column.type in {"State", "Status"}:
            text = f"{value} is not a valid {column.type.lower()} code on {table.name}."
            raise errors.DataverseError(400, "0x80048408", text)
        raise errors.bad_option(column.name, table.name, value, sorted(column.options))
    return value


def _number(table: Table, column: Column, value: object) -> object:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise _wrong(table, column, value)
    number = Decimal(value)
    _check_range(table, column, number, "0x80044330")
    limit = {"Money": MONEY_LIMIT, "Decimal": DECIMAL_LIMIT}.get(column.type)
    if limit is not None and abs(number) > limit:
        raise errors.out_of_range(column.name, table.name, "0x80044330")
    if column.type == "Double":
        return round(float(number), 5 if column.precision is None else column.precision)
    places = 10 if column.name == "exchangerate" else column.precision
    return as_text(number, (2 if column.type == "Money" else 5) if places is None else places)


def as_text(number: Decimal, places: int) -> str:
    """A number rounded to so many places, half away from zero, as exact text."""
    return str(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _check_range(table: Table, column: Column, number: Decimal, code: str) -> None:
    low, high = column.minimum_value, column.maximum_value
    if (low is not None and number < Decimal(str(low))) or (high is not None and number > Decimal(str(high))):
        raise errors.out_of_range(column.name, table.name, code)


def _moment(table: Table, column: Column, value: str) -> str:
    try:
        if column.is_date_only:
            kept = day(value)
        elif column.format == "DateOnly":
            # Kept as an instant all the same, at midnight of the user's time zone, which is UTC here.
            kept = f"{day(value) if len(value) == len(_EARLIEST) else instant(value)[:10]}T00:00:00Z"
        else:
            kept = instant(value)
    except ValueError:
        raise _wrong(table, column, value) from None
    if kept < _EARLIEST:
        raise errors.invalid_argument(f"DateTime is less than the minimum value supported: {column.name}.")
    return kept


def sent(column: Column, value: object) -> object:
    """A stored value as JSON sends it; numbers with decimals keep their scale (`25000.0000`)."""
    if value is None or column.write_only:
        return None
    if column.type == "Boolean":
        return bool(value)
    if column.type in _SENT_BACK:
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-_SENT_BACK[column.type]))
    return value


def formatted(column: Column, value: object, symbol: str = "$") -> str | None:
    """The text a person would see, None where the value is its own text. US English, UTC."""
    if value is None:
        return None
    match column.type:
        case "Boolean":
            return column.options[int(str(value))].label if column.options else ("No", "Yes")[bool(value)]
        case "Picklist" | "State" | "Status":
            option = column.options.get(int(str(value)))
            return option.label if option else None
        case "Integer" | "BigInt":
            return f"{value:,}"
        case "Money":
            number = Decimal(str(value))
            return f"{'-' if number < 0 else ''}{symbol}{abs(number):,.2f}"
        case "Decimal":
            return f"{Decimal(str(value)):,}"
        case "Double":
            return f"{value:,.{2 if column.precision is None else column.precision}f}"
        case "DateTime":
            return _formatted_moment(column, str(value))
    return None


def _formatted_moment(column: Column, value: str) -> str:
    moment = datetime.fromisoformat(value)
    day = f"{moment.month}/{moment.day}/{moment.year}"
    if column.is_date_only or column.format == "DateOnly":
        return day
    return f"{day} {moment.hour % 12 or 12}:{moment.minute:02} {'PM' if moment.hour >= 12 else 'AM'}"
