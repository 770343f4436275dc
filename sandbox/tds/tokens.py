"""The tokens an answer is made of."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum

from sandbox.tds.contract import Column, RpcParameter, SqlError
from sandbox.tds.encode import encoder, has_text_pointer, type_info

SERVER_NAME = "GP365SANDBOX"
TDS_VERSION = 0x74000004
SERVER_VERSION = bytes([13, 0, 0x18, 0x9C])  # 13.0.6300, as SERVERPROPERTY says
ROW = b"\xd1"
MORE, ERROR, COUNT, ATTENTION = 0x01, 0x02, 0x10, 0x20


class Done(IntEnum):
    """What ended: a statement, a procedure, a statement inside a procedure."""

    STATEMENT = 0xFD
    PROCEDURE = 0xFE
    IN_PROCEDURE = 0xFF


class Change(IntEnum):
    """What an ENVCHANGE token tells."""

    DATABASE = 1
    LANGUAGE = 2
    PACKET_SIZE = 4
    COLLATION = 7
    BEGIN = 8
    COMMIT = 9
    ROLLBACK = 10


def done(kind: Done, status: int, count: int | None, command: int = 0) -> bytes:
    if count is not None:
        status |= COUNT
    return struct.pack("<BHHQ", kind, status, command, count or 0)


def error(problem: SqlError) -> bytes:
    return _message(0xAA, problem)


def info(message: SqlError) -> bytes:
    """INFO. Severity 10 goes out as 0, as the server's documentation of severities has it; pymssql raises from 6."""
    return _message(0xAB, message if message.severity != 10 else replace(message, severity=0))


def column_metadata(columns: Sequence[Column]) -> bytes:
    parts = [struct.pack("<BH", 0x81, len(columns))]
    for column in columns:
        flags = 0x08 | (0x01 if column.nullable else 0) | (0x10 if column.identity else 0)
        user_type = 0x50 if column.type.name in ("timestamp", "rowversion") else 0
        parts.append(struct.pack("<IH", user_type, flags))
        parts.append(type_info(column.type))
        if has_text_pointer(column.type):
            parts.append(b"\x01" + _long_text(""))
        parts.append(_short_text(column.name))
    return b"".join(parts)


def return_status(status: int) -> bytes:
    return struct.pack("<Bi", 0x79, status)


def return_value(ordinal: int, parameter: RpcParameter) -> bytes:
    head = struct.pack("<BH", 0xAC, ordinal) + _short_text(parameter.name)
    kind = type_info(parameter.type)
    return head + struct.pack("<BIH", 1, 0, 0) + kind + encoder(parameter.type)(parameter.value)


def change(kind: Change, new: str, old: str = "") -> bytes:
    """ENVCHANGE of a named thing."""
    return _sized(0xE3, bytes([kind]) + _short_text(new) + _short_text(old))


def change_bytes(kind: Change, new: bytes, old: bytes = b"") -> bytes:
    """ENVCHANGE of a collation or a transaction descriptor."""
    return _sized(0xE3, bytes([kind, len(new)]) + new + bytes([len(old)]) + old)


def login_ack() -> bytes:
    # The version is big-endian here and little-endian in LOGIN7.
    body = b"\x01" + struct.pack(">I", TDS_VERSION) + _short_text("Microsoft SQL Server") + SERVER_VERSION
    return _sized(0xAD, body)


def no_features() -> bytes:
    """FEATUREEXTACK that accepts none of what the client offered."""
    return b"\xae\xff"


def _message(token: int, message: SqlError) -> bytes:
    body = struct.pack("<iBB", message.number, message.state, message.severity)
    body += _long_text(message.text) + _short_text(SERVER_NAME) + _short_text(message.procedure)
    return _sized(token, body + struct.pack("<I", message.line))


def _sized(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def _short_text(text: str) -> bytes:
    data = text.encode("utf-16-le", "surrogatepass")[:510]
    return bytes([len(data) // 2]) + data


def _long_text(text: str) -> bytes:
    # A message is at most 2,047 characters, as RAISERROR has it; the token's own length has 16 bits.
    data = text.encode("utf-16-le", "surrogatepass")[:4094]
    return struct.pack("<H", len(data) // 2) + data
