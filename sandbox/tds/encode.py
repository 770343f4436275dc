"""SQL Server types on their way to the client: TYPE_INFO and values, in the nullable forms."""

import datetime
import struct
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.tds.bits import to_code_page
from sandbox.tds.contract import SqlError, SqlType

Encoder = Callable[[object], bytes]

COLLATION = bytes.fromhex("0904d00034")  # SQL_Latin1_General_CP1_CI_AS
MAX = 0xFFFF
EPOCH = datetime.datetime(1900, 1, 1)  # noqa: DTZ001 - the server's datetime has no zone
DAY_TICKS = 300 * 86_400
_FIRST_DAY = datetime.date(1753, 1, 1).toordinal() - EPOCH.toordinal()
_LAST_DAY = datetime.date.max.toordinal() - EPOCH.toordinal()
_NULL_LOB = b"\xff" * 8
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
_INTEGERS = {"tinyint": (1, "B"), "smallint": (2, "h"), "int": (4, "i"), "bigint": (8, "q")}
_TEXT_BYTES = {"varchar": 0xA7, "char": 0xAF, "nvarchar": 0xE7, "nchar": 0xEF, "sysname": 0xE7}
_BINARY_BYTES = {"varbinary": 0xA5, "binary": 0xAD, "timestamp": 0xAD, "rowversion": 0xAD}
_LOB_BYTES = {"text": 0x23, "ntext": 0x63, "image": 0x22}
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
    if name in ("time", "datetime2", "datetimeoffset"):
        return bytes([{"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[name], type.scale])
    if name in _TEXT_BYTES:
        return struct.pack("<BH", _TEXT_BYTES[name], _declared_bytes(type)) + COLLATION
    if name in _BINARY_BYTES:
        return struct.pack("<BH", _BINARY_BYTES[name], _declared_bytes(type))
    if name in _LOB_BYTES:
        limit = 0x7FFFFFFE if name == "ntext" else 0x7FFFFFFF
        return struct.pack("<BI", _LOB_BYTES[name], limit) + (b"" if name == "image" else COLLATION)
    raise SqlError(2715, f"The wire has no data type {name}.")


def encoder(type: SqlType) -> Encoder:
    """A function from a Python value (or None) to the bytes of a value of `type`.

    It raises `SqlError` where the server could not hold the value: 8152 too long, 8115 out of range.
    """
    make = _ENCODERS.get(type.name)
    if make is None:
        raise SqlError(2715, f"The wire has no data type {type.name}.")
    null, encode = make(type)
    return lambda value: null if value is None else encode(value)


def is_lob(type: SqlType) -> bool:
    """Whether COLMETADATA names the table of this column's text pointer."""
    return type.name in _LOB_BYTES


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


def _overflow(value: object, name: str) -> SqlError:
    return SqlError(8115, f"Arithmetic overflow: {value!r} does not fit {name}.")


def _out_of_range(value: object, name: str) -> SqlError:
    return SqlError(242, f"{value} is out of range for {name}.")


def _integer(type: SqlType) -> tuple[bytes, Encoder]:
    size, letter = _INTEGERS[type.name]
    layout = struct.Struct(f"<B{letter}")

    def encode(value: object) -> bytes:
        try:
            return layout.pack(size, int(value))
        except struct.error:
            raise _overflow(value, type.name) from None

    return b"\x00", encode


def _bit(_: SqlType) -> tuple[bytes, Encoder]:
    return b"\x00", lambda value: b"\x01\x01" if value else b"\x01\x00"


def _float(type: SqlType) -> tuple[bytes, Encoder]:
    layout = struct.Struct("<Bf" if type.name == "real" else "<Bd")
    return b"\x00", lambda value: layout.pack(layout.size - 1, float(value))


def scaled(value: object, scale: int) -> int:
    """`value` times 10^scale as an integer, halves rounded away from zero as the server does."""
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return int(_EXACT.to_integral_value(_EXACT.scaleb(number, scale)))


def _numeric(type: SqlType) -> tuple[bytes, Encoder]:
    size, limit, scale = _numeric_size(_precision(type)), 10 ** _precision(type), type.scale
    positive, negative = bytes([size, 1]), bytes([size, 0])

    def encode(value: object) -> bytes:
        number = scaled(value, scale)
        if abs(number) >= limit:
            raise _overflow(value, "numeric")
        return (negative if number < 0 else positive) + abs(number).to_bytes(size - 1, "little")

    return b"\x00", encode


def _money(_: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        number = scaled(value, 4)
        if not -(2**63) <= number < 2**63:
            raise _overflow(value, "money")
        return struct.pack("<BiI", 8, number >> 32, number & 0xFFFFFFFF)

    return b"\x00", encode


def _small_money(_: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        try:
            return struct.pack("<Bi", 4, scaled(value, 4))
        except struct.error:
            raise _overflow(value, "smallmoney") from None

    return b"\x00", encode


def _moment(value: object) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    assert isinstance(value, datetime.date)
    return datetime.datetime(value.year, value.month, value.day)  # noqa: DTZ001


def _microseconds(value: datetime.datetime | datetime.time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _datetime(_: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        moment = _moment(value)
        ticks = (_microseconds(moment) * 3 + 5_000) // 10_000
        days = moment.toordinal() - EPOCH.toordinal() + ticks // DAY_TICKS
        if not _FIRST_DAY <= days <= _LAST_DAY:
            raise _out_of_range(value, "datetime")
        return struct.pack("<BiI", 8, days, ticks % DAY_TICKS)

    return b"\x00", encode


def _small_datetime(_: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        moment = _moment(value)
        minutes = (_microseconds(moment) + 30_000_000) // 60_000_000
        days = moment.toordinal() - EPOCH.toordinal() + minutes // 1440
        if not 0 <= days < 65_536:
            raise _out_of_range(value, "smalldatetime")
        return struct.pack("<BHH", 4, days, minutes % 1440)

    return b"\x00", encode


def _days(value: datetime.date) -> bytes:
    return (value.toordinal() - 1).to_bytes(3, "little")


def _clock(microseconds: int, scale: int) -> tuple[int, bytes]:
    """Whole days carried over by rounding, and the time of day in units of 10^-scale seconds."""
    units = scaled(Decimal(microseconds).scaleb(-6), scale)
    carried, units = divmod(units, 86_400 * 10**scale)
    return carried, units.to_bytes(3 if scale < 3 else 4 if scale < 5 else 5, "little")


def _date(_: SqlType) -> tuple[bytes, Encoder]:
    return b"\x00", lambda value: b"\x03" + _days(_moment(value))


def _time(type: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        clock = _clock(_microseconds(value), type.scale)[1]
        return bytes([len(clock)]) + clock

    return b"\x00", encode


def _datetime2(type: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        moment = _moment(value)
        carried, clock = _clock(_microseconds(moment), type.scale)
        if carried and moment.date() == datetime.date.max:
            raise _out_of_range(value, type.name)
        return bytes([len(clock) + 3]) + clock + _days(moment + datetime.timedelta(days=carried))

    return b"\x00", encode


def _datetimeoffset(type: SqlType) -> tuple[bytes, Encoder]:
    plain = _datetime2(type)[1]

    def encode(value: object) -> bytes:
        offset = value.utcoffset() or datetime.timedelta()
        body = plain((value - offset).replace(tzinfo=None))[1:]
        return bytes([len(body) + 2]) + body + struct.pack("<h", offset // datetime.timedelta(minutes=1))

    return b"\x00", encode


def _guid(_: SqlType) -> tuple[bytes, Encoder]:
    return b"\x00", lambda value: b"\x10" + (value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).bytes_le


def lob(data: bytes) -> bytes:
    """A (max) value in one chunk."""
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + b"\0\0\0\0"


def _counted(type: SqlType, to_bytes: Callable[[object], bytes]) -> tuple[bytes, Encoder]:
    """Text and binary: two length bytes, or chunks when (max); fixed widths are filled up."""
    limit = _declared_bytes(type)
    if limit == MAX:
        return _NULL_LOB, lambda value: lob(to_bytes(value))
    fill = {"char": b" ", "nchar": b" \0", "binary": b"\0", "timestamp": b"\0", "rowversion": b"\0"}.get(type.name)

    def encode(value: object) -> bytes:
        data = to_bytes(value)
        if len(data) > limit:
            raise SqlError(8152, f"String or binary data of {len(data)} bytes does not fit {type.name} ({limit}).")
        if fill:
            data += fill * ((limit - len(data)) // len(fill))
        return len(data).to_bytes(2, "little") + data

    return b"\xff\xff", encode


def _narrow(type: SqlType) -> tuple[bytes, Encoder]:
    return _counted(type, lambda value: to_code_page(str(value)))


def _wide_bytes(value: object) -> bytes:
    return str(value).encode("utf-16-le", "surrogatepass")


def _wide(type: SqlType) -> tuple[bytes, Encoder]:
    return _counted(type, _wide_bytes)


def _binary(type: SqlType) -> tuple[bytes, Encoder]:
    return _counted(type, bytes)


def _xml(_: SqlType) -> tuple[bytes, Encoder]:
    return _NULL_LOB, lambda value: lob(_wide_bytes(value))


def _pointed(type: SqlType) -> tuple[bytes, Encoder]:
    """text, ntext and image: a text pointer and a stamp, both of which only UPDATETEXT would use, then the data."""
    to_bytes = {"text": lambda value: to_code_page(str(value)), "ntext": _wide_bytes, "image": bytes}[type.name]
    pointer = b"\x10" + b"\x01" * 16 + b"\x02" * 8

    def encode(value: object) -> bytes:
        data = to_bytes(value)
        return pointer + struct.pack("<I", len(data)) + data

    return b"\x00", encode


def _variant(_: SqlType) -> tuple[bytes, Encoder]:
    def encode(value: object) -> bytes:
        body = _variant_body(value)
        return struct.pack("<I", len(body)) + body

    return b"\0\0\0\0", encode


def _variant_body(value: object) -> bytes:
    if isinstance(value, bool):
        return b"\x32\x00" + bytes([value])
    if isinstance(value, int):
        small = -(2**31) <= value < 2**31
        return struct.pack("<BBi", 0x38, 0, value) if small else struct.pack("<BBq", 0x7F, 0, value)
    if isinstance(value, float):
        return struct.pack("<BBd", 0x3E, 0, value)
    if isinstance(value, Decimal):
        scale = max(-value.as_tuple().exponent, 0)
        return bytes([0x6C, 2, 38, scale]) + _numeric(SqlType("numeric", None, 38, scale))[1](value)[1:]
    if isinstance(value, datetime.datetime):
        return b"\x3d\x00" + _datetime(SqlType("datetime"))[1](value)[1:]
    if isinstance(value, bytes | bytearray):
        return struct.pack("<BBH", 0xA5, 2, 8000) + bytes(value)
    return struct.pack("<BB5sH", 0xE7, 7, COLLATION, 8000) + _wide_bytes(value)


_ENCODERS: dict[str, Callable[[SqlType], tuple[bytes, Encoder]]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(("numeric", "decimal"), _numeric),
    **dict.fromkeys(("varchar", "char"), _narrow),
    **dict.fromkeys(("nvarchar", "nchar", "sysname"), _wide),
    **dict.fromkeys(_BINARY_BYTES, _binary),
    **dict.fromkeys(_LOB_BYTES, _pointed),
    **dict.fromkeys(("real", "float"), _float),
    "bit": _bit,
    "money": _money,
    "smallmoney": _small_money,
    "datetime": _datetime,
    "smalldatetime": _small_datetime,
    "date": _date,
    "time": _time,
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
    "uniqueidentifier": _guid,
    "xml": _xml,
    "sql_variant": _variant,
}
