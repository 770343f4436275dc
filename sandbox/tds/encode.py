"""SQL Server types on their way to the client: TYPE_INFO and values, in the nullable forms."""

import datetime
import struct
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.tds import moments
from sandbox.tds.bits import to_code_page
from sandbox.tds.contract import SqlError, SqlType

Encoder = Callable[[object], bytes]

COLLATION = bytes.fromhex("0904d00034")  # SQL_Latin1_General_CP1_CI_AS
MAX = 0xFFFF
_NULL_LOB = b"\xff" * 8
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
_INTEGERS = {"tinyint": (1, "B"), "smallint": (2, "h"), "int": (4, "i"), "bigint": (8, "q")}
_TEXT_CODES = {"varchar": 0xA7, "char": 0xAF, "nvarchar": 0xE7, "nchar": 0xEF, "sysname": 0xE7}
_BINARY_CODES = {"varbinary": 0xA5, "binary": 0xAD, "timestamp": 0xAD, "rowversion": 0xAD}
_POINTED_CODES = {"text": 0x23, "ntext": 0x63, "image": 0x22}
_CLOCKED_CODES = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}
_FILL = {"char": b" ", "nchar": b" \0", "binary": b"\0", "timestamp": b"\0", "rowversion": b"\0"}
_FIXED_INFO = {
    "bit": b"\x68\x01",
    "real": b"\x6d\x04",
    "float": b"\x6d\x08",
    "smallmoney": b"\x6e\x04",
    "money": b"\x6e\x08",
    "smalldatetime": b"\x6f\x04",
    "datetime": b"\x6f\x08",
    "date": b"\x28",
    "uniqueidentifier": b"\x24\x10",
    "xml": b"\xf1\x00",
    "sql_variant": b"\x62\x49\x1f\x00\x00",
}


def type_info(type: SqlType) -> bytes:
    """The TYPE_INFO of a column or return value. Raises `SqlError` 2715 for a type the wire does not have."""
    name = type.name
    if name in _FIXED_INFO:
        return _FIXED_INFO[name]
    if name in _INTEGERS:
        return bytes([0x26, _INTEGERS[name][0]])
    if name in ("numeric", "decimal"):
        return bytes([0x6C, _numeric_size(_precision(type)), _precision(type), type.scale])
    if name in _CLOCKED_CODES:
        return bytes([_CLOCKED_CODES[name], type.scale])
    if name in _TEXT_CODES:
        return struct.pack("<BH", _TEXT_CODES[name], _declared_bytes(type)) + COLLATION
    if name in _BINARY_CODES:
        return struct.pack("<BH", _BINARY_CODES[name], _declared_bytes(type))
    if name in _POINTED_CODES:
        limit = 0x7FFFFFFE if name == "ntext" else 0x7FFFFFFF
        return struct.pack("<BI", _POINTED_CODES[name], limit) + (b"" if name == "image" else COLLATION)
    raise _no_such_type(name)


def encoder(type: SqlType) -> Encoder:
    """A function from a Python value (or None) to the bytes of a value of `type`.

    Raises `SqlError` 2715 for a type the wire does not have; the function raises it where the server could not hold
    the value: 8152 too long, 8115 too great, 242 outside the calendar of the type.
    """
    name = type.name
    if name in _TEXT_CODES or name in _BINARY_CODES:
        null, encode = _counted(type)
    elif name in _POINTED_CODES:
        null, encode = b"\0", _pointed(_converter(name))
    elif name == "xml":
        null, encode = _NULL_LOB, lambda value: _chunked(_wide(value))
    elif name == "sql_variant":
        null, encode = b"\0\0\0\0", _variant
    else:
        null, encode = b"\0", _short(_plain(type))
    return lambda value: null if value is None else encode(value)


def has_text_pointer(type: SqlType) -> bool:
    """Whether COLMETADATA names the table of this column, for its text pointer."""
    return type.name in _POINTED_CODES


def _no_such_type(name: str) -> SqlError:
    return SqlError(2715, f"The wire has no data type {name}.")


def _overflow(value: object, name: str) -> SqlError:
    return SqlError(8115, f"Arithmetic overflow: {value!r} does not fit {name}.")


def _precision(type: SqlType) -> int:
    return type.precision or 18


def _numeric_size(precision: int) -> int:
    return next(size for limit, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if precision <= limit)


def _declared_bytes(type: SqlType) -> int:
    if type.name in ("timestamp", "rowversion"):
        return 8
    if type.name == "sysname":
        return 256
    if type.length is None:
        return MAX if type.name.startswith(("var", "nvar")) else 1
    return max(type.length, 1) * (2 if type.name in ("nvarchar", "nchar") else 1)


def _plain(type: SqlType) -> Encoder:
    """The bytes of a value of a type that has one length byte in front, without it."""
    name, scale = type.name, type.scale
    if name in _INTEGERS:
        return _packed(_INTEGERS[name][1], int, name)
    if name in ("numeric", "decimal"):
        return _numeric(_precision(type), scale)
    if name in _CLOCKED_CODES:
        to_bytes = getattr(moments, f"{name}_bytes")
        return lambda value: to_bytes(value, scale)
    if name not in _PLAIN:
        raise _no_such_type(name)
    return _PLAIN[name]


def _short(to_bytes: Encoder) -> Encoder:
    def encode(value: object) -> bytes:
        data = to_bytes(value)
        return len(data).to_bytes() + data

    return encode


def _packed(layout: str, convert: Callable[[object], int | float], name: str) -> Encoder:
    pack = struct.Struct("<" + layout).pack

    def encode(value: object) -> bytes:
        try:
            return pack(convert(value))
        except (struct.error, OverflowError):
            raise _overflow(value, name) from None

    return encode


def _scaled(value: object, scale: int) -> int:
    """`value` times 10^scale as an integer, halves rounded away from zero as the server does."""
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return int(_EXACT.to_integral_value(_EXACT.scaleb(number, scale)))


def _numeric(precision: int, scale: int) -> Encoder:
    size, limit = _numeric_size(precision), 10**precision

    def encode(value: object) -> bytes:
        number = _scaled(value, scale)
        if abs(number) >= limit:
            raise _overflow(value, f"numeric({precision},{scale})")
        return (b"\0" if number < 0 else b"\1") + abs(number).to_bytes(size - 1, "little")

    return encode


def _money(value: object) -> bytes:
    number = _scaled(value, 4)
    if not -(2**63) <= number < 2**63:
        raise _overflow(value, "money")
    return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)


def _guid(value: object) -> bytes:
    return (value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).bytes_le


def _wide(value: object) -> bytes:
    return str(value).encode("utf-16-le", "surrogatepass")


def _converter(name: str) -> Encoder:
    if name in ("varchar", "char", "text"):
        return lambda value: to_code_page(str(value))
    return _wide if name in ("nvarchar", "nchar", "sysname", "ntext") else bytes


def _chunked(data: bytes) -> bytes:
    """A (max) value in one chunk."""
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + b"\0\0\0\0"


def _counted(type: SqlType) -> tuple[bytes, Encoder]:
    """Text and binary: two length bytes, or chunks when (max); fixed widths are filled up."""
    limit, to_bytes = _declared_bytes(type), _converter(type.name)
    if limit == MAX:
        return _NULL_LOB, lambda value: _chunked(to_bytes(value))
    fill = _FILL.get(type.name)

    def encode(value: object) -> bytes:
        data = to_bytes(value)
        if len(data) > limit:
            raise SqlError(8152, f"{len(data)} bytes of data do not fit {type.name} of {limit}.")
        if fill:
            data += fill * ((limit - len(data)) // len(fill))
        return len(data).to_bytes(2, "little") + data

    return b"\xff\xff", encode


def _pointed(to_bytes: Encoder) -> Encoder:
    """text, ntext and image: a text pointer and a stamp, both of which only UPDATETEXT would use, then the data."""
    pointer = b"\x10" + b"\x01" * 16 + b"\x02" * 8

    def encode(value: object) -> bytes:
        data = to_bytes(value)
        return pointer + struct.pack("<I", len(data)) + data

    return encode


def _variant(value: object) -> bytes:
    """sql_variant: its length, then base type, properties and bytes as the value itself suggests."""
    if isinstance(value, bool):
        body = b"\x32\x00" + bytes([value])
    elif isinstance(value, int):
        small = -(2**31) <= value < 2**31
        body = struct.pack("<BBi" if small else "<BBq", 0x38 if small else 0x7F, 0, value)
    elif isinstance(value, float):
        body = struct.pack("<BBd", 0x3E, 0, value)
    elif isinstance(value, Decimal):
        scale = max(-int(value.as_tuple().exponent), 0)
        body = bytes([0x6C, 2, 38, scale]) + _numeric(38, scale)(value)
    elif isinstance(value, datetime.datetime):
        body = b"\x3d\x00" + moments.datetime_bytes(value)
    elif isinstance(value, bytes | bytearray):
        body = struct.pack("<BBH", 0xA5, 2, 8000) + bytes(value)
    else:
        body = struct.pack("<BB5sH", 0xE7, 7, COLLATION, 8000) + _wide(value)
    return struct.pack("<I", len(body)) + body


_PLAIN: dict[str, Encoder] = {
    "bit": lambda value: b"\1" if value else b"\0",
    "real": _packed("f", float, "real"),
    "float": _packed("d", float, "float"),
    "money": _money,
    "smallmoney": _packed("i", lambda value: _scaled(value, 4), "smallmoney"),
    "datetime": moments.datetime_bytes,
    "smalldatetime": moments.smalldatetime_bytes,
    "date": moments.date_bytes,
    "uniqueidentifier": _guid,
}
