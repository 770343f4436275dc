"""Little-endian reading of what a client sent, what can be wrong with it, and the server's one code page."""

import codecs
import struct


class ProtocolError(Exception):
    """The client's bytes are not what TDS 7.4 says they should be."""


class NotImitated(Exception):
    """A part of the protocol this endpoint knows of and does not serve: `kind` and `what` go to the gaps."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"{kind} {what}")
        self.kind = kind
        self.what = what


class Bits:
    """A cursor over the bytes of one message. Reading past the end raises `ProtocolError`."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise ProtocolError(f"{size} bytes wanted, {self.left} left")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def number(self, layout: str) -> int:
        """One number in `struct` notation, without the byte order."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))[0]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return self.number("H")

    def u32(self) -> int:
        return self.number("I")

    def text(self, characters: int) -> str:
        return utf16(self.take(2 * characters))

    def short_text(self) -> str:
        """B_VARCHAR: a length byte in characters, then UTF-16."""
        return self.text(self.u8())


def utf16(data: bytes) -> str:
    """Lone surrogates are kept, as the server does. Raises `ProtocolError` for half a character."""
    if len(data) % 2:
        raise ProtocolError(f"{len(data)} bytes of UTF-16")
    return data.decode("utf-16-le", "surrogatepass")


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """Code page 1252 as Windows has it: five bytes without a character stand for C1 controls; what has no byte
    becomes one `?` per UTF-16 unit (so two for an emoji)."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(byte) for byte in error.object[error.start : error.end]), error.end
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    holes = "\x81\x8d\x8f\x90\x9d"
    return b"".join(
        bytes([ord(char)]) if char in holes else b"?" * (1 + (ord(char) > 0xFFFF)) for char in lost
    ), error.end


codecs.register_error("tds1252", _substitute)


def to_code_page(text: str) -> bytes:
    return text.encode("cp1252", "tds1252")


def from_code_page(data: bytes) -> str:
    return data.decode("cp1252", "tds1252")
