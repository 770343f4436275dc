"""What a client asks for once it is logged in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.tds.bits import Bits, NotImitated, ProtocolError, utf16
from sandbox.tds.contract import Column, RpcParameter
from sandbox.tds.decode import Incoming, read_type
from sandbox.tds.link import Kind

_PROCEDURES = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}
_ISOLATION = {
    1: "READ UNCOMMITTED",
    2: "READ COMMITTED",
    3: "REPEATABLE READ",
    4: "SERIALIZABLE",
    5: "SNAPSHOT",
}
_NAME = r'(?:\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[\w#@$]+)'
_INSERT_BULK = re.compile(
    rf"\s*insert\s+bulk\s+(?P<table>{_NAME}?(?:\s*\.\s*{_NAME}?)*)\s*"
    r"(?P<columns>\(.*?\))?\s*(?:with\s*\((?P<hints>[^()]*(?:\([^()]*\)[^()]*)*)\))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_KNOWN_HINTS = {"CHECK_CONSTRAINTS"}


@dataclass(frozen=True)
class Batch:
    text: str

    @property
    def subject(self) -> str:
        return self.text


@dataclass(frozen=True)
class Announcement:
    """An `insert bulk`: the next message brings rows for `table`."""

    table: str

    @property
    def subject(self) -> str:
        return f"insert bulk {self.table}"


@dataclass(frozen=True)
class Call:
    name: str
    parameters: Sequence[RpcParameter]


@dataclass(frozen=True)
class Calls:
    """Procedure calls of one message, nearly always one."""

    calls: Sequence[Call]

    @property
    def subject(self) -> str:
        return " ".join(call.name for call in self.calls)


@dataclass(frozen=True)
class Load:
    """Rows for a table that an `insert bulk` announced."""

    table: str
    columns: Sequence[Column]
    rows: Iterator[list[object]]

    @property
    def subject(self) -> str:
        return f"insert bulk {self.table}"


Request = Batch | Announcement | Calls | Load


def read_request(kind: int, data: bytes, before: Request | None) -> Request:
    """Turn one message into a request. `before` is the one before it, which may have announced the rows to come.

    Raises `ProtocolError` for broken bytes, `NotImitated` for what is not served.
    """
    if kind == Kind.BULK:
        if not isinstance(before, Announcement):
            raise ProtocolError("bulk rows that no insert bulk announced")
        return _load(before.table, data)
    bits = Bits(data)
    headers = bits.u32()
    bits.take(headers - 4)
    if kind == Kind.BATCH:
        text = utf16(bits.take(bits.left))
        table = announced_table(text)
        return Announcement(table) if table else Batch(text)
    if kind == Kind.RPC:
        return Calls(list(_calls(bits)))
    if kind == Kind.TRANSACTION:
        return Batch(_transaction(bits))
    raise NotImitated("message", f"type 0x{kind:02X}")


def announced_table(text: str) -> str:
    """The table of an `insert bulk` statement, "" for any other. Raises `NotImitated` for its hints."""
    if not (match := _INSERT_BULK.fullmatch(text)):
        return ""
    for hint in (match["hints"] or "").split(","):
        if hint.strip() and hint.strip().upper() not in _KNOWN_HINTS:
            raise NotImitated("bulk hint", hint.strip())
    return match["table"]


def _calls(bits: Bits) -> Iterator[Call]:
    while bits.left:
        yield Call(_procedure(bits), list(_parameters(bits)))


def _procedure(bits: Bits) -> str:
    length = bits.u16()
    if length != 0xFFFF:
        name = bits.text(length)
    elif (number := bits.u16()) in _PROCEDURES:
        name = _PROCEDURES[number]
    else:
        raise NotImitated("procedure id", str(number))
    bits.u16()
    return name


def _parameters(bits: Bits) -> Iterator[RpcParameter]:
    """Parameters up to the end of the message or the flag that another call follows."""
    while bits.left:
        length = bits.u8()
        if length == 0xFF:
            return
        if length == 0xFE:
            raise NotImitated("procedure call", "described without being run")
        name, status = bits.text(length), bits.u8()
        incoming = read_type(bits)
        value = incoming.read(bits)
        if status & 0x02 and not name:
            raise NotImitated("parameter", "a default by position")
        if not status & 0x02:
            yield RpcParameter(name, value, incoming.type, output=bool(status & 0x01))


def _transaction(bits: Bits) -> str:
    """A transaction-manager request as the statement that does the same."""
    request = bits.u16()
    if request == 5:
        level = _isolation(bits.u8())
        return f"{level}BEGIN TRANSACTION {_bracketed(bits)}".strip()
    if request == 9:
        return f"SAVE TRANSACTION {_bracketed(bits)}"
    if request not in (7, 8):
        raise NotImitated("transaction-manager request", str(request))
    verb = "COMMIT TRANSACTION" if request == 7 else "ROLLBACK TRANSACTION"
    text = f"{verb} {_bracketed(bits)}".strip()
    if bits.u8() & 0x01:
        level = _isolation(bits.u8())
        text += f"; {level}BEGIN TRANSACTION {_bracketed(bits)}".rstrip()
    return text


def _isolation(level: int) -> str:
    if level == 0:
        return ""
    if level not in _ISOLATION:
        raise ProtocolError(f"isolation level {level}")
    return f"SET TRANSACTION ISOLATION LEVEL {_ISOLATION[level]}; "


def _bracketed(bits: Bits) -> str:
    name = bits.text(bits.u8() // 2)
    return f"[{name.replace(']', ']]')}]" if name else ""


def _load(table: str, data: bytes) -> Load:
    bits = Bits(data)
    if bits.u8() != 0x81:
        raise ProtocolError("bulk rows without a description of their columns")
    columns, kinds = [], []
    for _ in range(bits.u16()):
        column, incoming = _column(bits)
        columns.append(column)
        kinds.append(incoming)
    return Load(table, columns, _rows(bits, kinds))


def _column(bits: Bits) -> tuple[Column, Incoming]:
    bits.u32()
    flags = bits.u16()
    incoming = read_type(bits, in_row=True)
    if incoming.lob:
        bits.text(bits.u16())
    return Column(bits.short_text(), incoming.type, bool(flags & 0x01), bool(flags & 0x10)), incoming


def _rows(bits: Bits, kinds: Sequence[Incoming]) -> Iterator[list[object]]:
    """Rows up to a DONE token or, as FreeTDS leaves that out, up to the end of the message."""
    while bits.left and (token := bits.u8()) != 0xFD:
        if token != 0xD1:
            raise ProtocolError(f"token 0x{token:02X} among bulk rows")
        yield [incoming.read(bits) for incoming in kinds]
