"""SQL Server types on their way from the client: procedure parameters and bulk rows."""

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from sandbox.tds import moments
from sandbox.tds.bits import Bits, NotImitated, ProtocolError, from_code_page, utf16
from sandbox.tds.contract import SqlType
from sandbox.tds.encode import MAX

Decoder = Callable[[Bits], object]

_INTEGER_NAMES = {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}
_FIXED = {
    0x30: ("tinyint", 1),
    0x32: ("bit", 1),
    0x34: ("smallint", 2),
    0x38: ("int", 4),
    0x3A: ("smalldatetime", 4),
    0x3B: ("real", 4),
    0x3C: ("money", 8),
    0x3D: ("datetime", 8),
    0x3E: ("float", 8),
    0x7A: ("smallmoney", 4),
    0x7F: ("bigint", 8),
}
_SIZED = {
    0x26: _INTEGER_NAMES,
    0x68: {1: "bit"},
    0x6D: {4: "real", 8: "float"},
    0x6E: {4: "smallmoney", 8: "money"},
    0x6F: {4: "smalldatetime", 8: "datetime"},
    0x24: {16: "uniqueidentifier"},
}
_COUNTED = {0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar", 0xA5: "varbinary", 0xAD: "binary"}
_POINTED = {0x23: "text", 0x63: "ntext", 0x22: "image"}
_CLOCKED = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}
_READ_CLOCKED = {0x29: moments.read_time, 0x2A: moments.read_datetime2, 0x2B: moments.read_datetimeoffset}


@dataclass(frozen=True)
class Incoming:
    """A TYPE_INFO that was read: the type, and how its values are decoded."""

    type: SqlType
    decode: Decoder
    lob: bool = False

    def read(self, bits: Bits) -> object:
        """The next value. Raises `ProtocolError` when the bytes are none of this type."""
        try:
            return self.decode(bits)
        except (ArithmeticError, LookupError, ValueError, struct.error) as error:
            raise ProtocolError(f"no value of {self.type.name}: {error}") from error


def read_type(bits: Bits, *, in_row: bool = False) -> Incoming:
    """Read a TYPE_INFO. Rows of a bulk load carry text pointers before text, parameters do not (`in_row`)."""
    code = bits.u8()
    if code in _FIXED:
        name, size = _FIXED[code]
        return Incoming(SqlType(name), lambda source: _plain(name, source.take(size)))
    if code in _SIZED:
        return _sized(code, bits)
    if code in (0x6A, 0x6C):
        bits.u8()
        precision, scale = bits.u8(), bits.u8()
        return _short(SqlType("numeric", None, precision, scale), lambda data: _numeric(data, scale))
    if code == 0x28:
        return _short(SqlType("date"), moments.read_date)
    if code in _CLOCKED:
        if (scale := bits.u8()) > 7:
            raise ProtocolError(f"a time of scale {scale}")
        return _short(SqlType(_CLOCKED[code], None, 0, scale), lambda data: _READ_CLOCKED[code](data, scale))
    if code in _COUNTED:
        return _counted(_COUNTED[code], bits)
    if code in _POINTED:
        return _pointed(_POINTED[code], bits, in_row)
    if code == 0xF1 and bits.u8() == 0:
        return Incoming(SqlType("xml"), lambda source: _or_none(utf16, _chunks(source)))
    if code == 0x62:
        bits.u32()
        return Incoming(SqlType("sql_variant"), _variant)
    raise NotImitated("wire type", f"0x{code:02X}")


def _or_none(convert: Callable[[bytes], object], data: bytes | None) -> object:
    return None if data is None else convert(data)


def _short(type: SqlType, convert: Callable[[bytes], object]) -> Incoming:
    """A type whose values have one length byte, 0 for NULL."""
    return Incoming(type, lambda source: _or_none(convert, source.take(source.u8()) or None))


def _sized(code: int, bits: Bits) -> Incoming:
    size = bits.u8()
    names = _SIZED[code]
    if size not in names:
        raise ProtocolError(f"type 0x{code:02X} of {size} bytes")
    return _short(SqlType(names[size]), lambda data: _plain(names[len(data)], data))


def _counted(name: str, bits: Bits) -> Incoming:
    size = bits.u16()
    if name in ("varchar", "char", "nvarchar", "nchar"):
        bits.take(5)
    convert = _converter(name)
    if size == MAX:
        return Incoming(SqlType(name), lambda source: _or_none(convert, _chunks(source)))
    length = size // 2 if name in ("nvarchar", "nchar") else size

    def read(source: Bits) -> object:
        count = source.u16()
        return None if count == MAX else convert(source.take(count))

    return Incoming(SqlType(name, length), read)


def _converter(name: str) -> Callable[[bytes], object]:
    if name in ("varchar", "char", "text"):
        return from_code_page
    return utf16 if name in ("nvarchar", "nchar", "ntext") else bytes


def _pointed(name: str, bits: Bits, in_row: bool) -> Incoming:
    bits.u32()
    if name != "image":
        bits.take(5)
    convert = _converter(name)

    def read(source: Bits) -> object:
        if in_row:
            if not (pointer := source.u8()):
                return None
            source.take(pointer + 8)
        count = source.u32()
        return None if count == 0xFFFFFFFF else convert(source.take(count))

    return Incoming(SqlType(name), read, lob=True)


def _chunks(source: Bits) -> bytes | None:
    """A (max) value; its total may be unknown (FF..FE), the chunks end with an empty one."""
    if source.number("Q") == 0xFFFFFFFFFFFFFFFF:
        return None
    parts = []
    while count := source.u32():
        parts.append(source.take(count))
    return b"".join(parts)


def _plain(name: str, data: bytes) -> object:
    if name == "tinyint":
        return data[0]
    if name == "bit":
        return bool(data[0])
    if name in ("smallint", "int", "bigint"):
        return int.from_bytes(data, "little", signed=True)
    if name in ("real", "float"):
        return struct.unpack("<f" if name == "real" else "<d", data)[0]
    if name == "uniqueidentifier":
        return uuid.UUID(bytes_le=data)
    if name == "datetime":
        return moments.read_datetime(data)
    if name == "smalldatetime":
        return moments.read_smalldatetime(data)
    if name == "smallmoney":
        return Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-4)
    high, low = struct.unpack("<iI", data)
    return Decimal((high << 32) + low).scaleb(-4)


def _numeric(data: bytes, scale: int) -> Decimal:
    magnitude = int.from_bytes(data[1:], "little")
    return Decimal((0 if data[0] else 1, tuple(map(int, str(magnitude))), -scale))


def _variant(source: Bits) -> object:
    """The value inside a sql_variant: base type, properties, then the bytes without a length of their own."""
    if not (total := source.u32()):
        return None
    body = Bits(source.take(total))
    code, properties = body.u8(), body.take(body.u8())
    data = body.take(body.left)
    if code in _FIXED:
        return _plain(_FIXED[code][0], data)
    if code in _COUNTED:
        return _converter(_COUNTED[code])(data)
    if code in (0x6A, 0x6C):
        return _numeric(data, properties[1])
    if code == 0x24:
        return uuid.UUID(bytes_le=data)
    if code == 0x28:
        return moments.read_date(data)
    if code in _CLOCKED:
        return _READ_CLOCKED[code](data, properties[0])
    raise NotImitated("wire type", f"0x{code:02X}")
