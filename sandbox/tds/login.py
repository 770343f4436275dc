"""PRELOGIN and LOGIN7: how a connection is opened."""

import struct
from dataclasses import dataclass
from typing import Literal

from sandbox.tds import tokens
from sandbox.tds.bits import Bits, NotImitated, utf16
from sandbox.tds.contract import Login, SqlError
from sandbox.tds.encode import COLLATION
from sandbox.tds.tokens import Change, Done

TlsMode = Literal["off", "login", "required"]

OFF, ON, NOT_SUPPORTED, REQUIRED = range(4)
_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS = range(5)
_END = 0xFF
_LANGUAGE = "us_english"


@dataclass(frozen=True)
class LoginRequest:
    """What LOGIN7 asks for."""

    login: Login
    packet_size: int
    features: bool


def read_encryption(prelogin: bytes) -> int:
    """What the client wants of encryption."""
    bits = Bits(prelogin)
    while (option := bits.u8()) != _END:
        offset, length = struct.unpack(">HH", bits.take(4))
        if option == _ENCRYPTION and length:
            return Bits(prelogin, offset).u8()
    return NOT_SUPPORTED


def choose_encryption(mode: TlsMode, wanted: int) -> int:
    """The server's answer: as SQL Server decides between "not there", "for those who want it" and "forced"."""
    if mode == "off":
        return NOT_SUPPORTED
    if mode == "required":
        return ON if wanted in (ON, REQUIRED) else REQUIRED
    return ON if wanted in (ON, REQUIRED) else wanted


def prelogin_answer(encryption: int) -> bytes:
    options = {
        _VERSION: tokens.SERVER_VERSION + b"\0\0",
        _ENCRYPTION: bytes([encryption]),
        _INSTANCE: b"\0",
        _THREAD: b"",
        _MARS: b"\0",
    }
    offset = 5 * len(options) + 1
    table, data = b"", b""
    for option, value in options.items():
        table += struct.pack(">BHH", option, offset + len(data), len(value))
        data += value
    return table + bytes([_END]) + data


def read_login(data: bytes) -> LoginRequest:
    """Raises `NotImitated` for a version of the protocol or a way of logging in that is not served."""
    head = Bits(data, 4)
    version, packet_size = head.u32(), head.u32()
    if version != tokens.TDS_VERSION:
        raise NotImitated("login", f"with TDS version 0x{version:08X}")
    flags2, flags3 = data[25], data[27]
    if flags2 & 0x80:
        raise NotImitated("login", "with integrated authentication")
    host, user, password, app, server, _, library, _, database = (_field(data, 36 + 4 * n) for n in range(9))
    login = Login(
        user=utf16(user),
        password=utf16(_reveal(password)),
        database=utf16(database),
        app=utf16(app),
        host=utf16(host),
        extra={"server": utf16(server), "library": utf16(library)},
    )
    return LoginRequest(login, packet_size, bool(flags3 & 0x10))


def _field(data: bytes, at: int) -> bytes:
    place = Bits(data, at)
    offset, length = place.u16(), place.u16()
    return Bits(data, offset).take(2 * length)


def _reveal(password: bytes) -> bytes:
    """Undo LOGIN7's veil: XOR A5, then the halves of each byte swapped."""
    return bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in password)


def login_answer(request: LoginRequest, packet_size: int, database: str) -> bytes:
    """Everything the server tells after a successful login."""
    return b"".join(
        (
            database_changed(database, "master"),
            tokens.change_bytes(Change.COLLATION, COLLATION),
            tokens.change(Change.LANGUAGE, _LANGUAGE),
            tokens.info(SqlError(5703, f"The language is now {_LANGUAGE}.", severity=10)),
            tokens.login_ack(),
            tokens.change(Change.PACKET_SIZE, str(packet_size), "4096"),
            tokens.no_features() if request.features else b"",
            tokens.done(Done.STATEMENT, 0, None),
        )
    )


def login_refusal(problem: SqlError) -> bytes:
    """A login that ends in an error. One that fails over its database is told twice, as SQL Server does."""
    problems = [problem]
    if problem.number == 4060:
        problems.append(SqlError(18456, "Login failed.", severity=14))
    return b"".join(map(tokens.error, problems)) + tokens.done(Done.STATEMENT, tokens.ERROR, None)


def database_changed(new: str, old: str) -> bytes:
    told = SqlError(5701, f"The database is now '{new}'.", severity=10, state=2)
    return tokens.change(Change.DATABASE, new, old) + tokens.info(told)
