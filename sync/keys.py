"""Keys: one spelling per record, safe in Dataverse alternate keys and in Table Storage.

GP compares ids without case and without trailing blanks (SQL_Latin1_General_CP1_CI_AS); Python and Azure do not.
Dataverse alternate keys break on `/ < > * % & : \\ ? +` and compare without case; Table Storage forbids `/ \\ # ?` and
control characters.
"""

import re
import string
from collections.abc import Iterable, Sequence

_PLAIN = frozenset(string.ascii_uppercase + string.digits + "-")
_BETWEEN = "~"
_ESCAPE = "^"


def canonical(gp_id: str) -> str:
    """The one spelling of a GP id: no trailing blanks, upper case as GP's code page 1252 knows it."""
    text = gp_id.rstrip(" ")
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def join_key(parts: Sequence[str]) -> str:
    """The one key of a record whose GP key has these parts: `AARONFIT0001~WAREHOUSE`; a single part is the key itself.

    Blank where a part is blank: such a row is no record of anything.
    """
    spelled = [canonical(part) for part in parts]
    if not all(spelled):
        return ""
    return spelled[0] if len(spelled) == 1 else _BETWEEN.join(map(_escaped, spelled))


def split_key(key: str, count: int) -> tuple[str, ...]:
    """The canonical parts of a key of so many columns, in whatever case and with whatever blanks it was typed; none when it
    is no such key. The inverse of `join_key`.
    """
    parts = (key,) if count == 1 else _parts(key)
    spelled = tuple(canonical(part) for part in parts)
    return spelled if len(spelled) == count and all(spelled) else ()


def encode(text: str) -> str:
    """`text` in `[A-Z0-9_-]` only, reversible: anything else becomes `_XX` per UTF-8 byte.

    Lower-case letters are escaped too, so two different texts never differ by case alone.
    """
    if _PLAIN.issuperset(text):
        return text
    return "".join(char if char in _PLAIN else "".join(f"_{byte:02X}" for byte in char.encode()) for char in text)


def decode(text: str) -> str:
    """The inverse of `encode`. Raises ValueError when `text` is not of its making."""
    if not re.fullmatch(r"(?:[A-Z0-9-]|_[0-9A-F]{2})*", text):
        raise ValueError(f"not an encoded key: {text!r}")
    raw = b"".join(
        bytes([int(part[1:], 16)]) if part.startswith("_") else part.encode()
        for part in re.findall(r"_[0-9A-F]{2}|[A-Z0-9-]", text)
    )
    return raw.decode()


def company_key(company: str, gp_id: str) -> str:
    """The value of the alternate key column: company and id, `TWO-AARONFIT0001`. Company ids hold no `-`."""
    return f"{company_prefix(company)}{encode(canonical(gp_id))}"


def company_prefix(company: str) -> str:
    """How every key of a company begins."""
    return f"{encode(company).replace('-', '_2D')}-"


def company_of_key(key: str, companies: Iterable[str]) -> str | None:
    """Whose a value of the key column is, of these companies; None when it is nobody's. Dataverse ignores its case."""
    text = key.strip().upper()
    return next((company for company in companies if text.startswith(company_prefix(company))), None)


def gp_id_of(company: str, key: str) -> str:
    """The GP id in a key of this company, in whatever case Dataverse kept it; blank when it is none."""
    text, prefix = key.strip().upper(), company_prefix(company)
    try:
        return canonical(decode(text.removeprefix(prefix))) if text.startswith(prefix) else ""
    except ValueError:
        return ""


def _escaped(part: str) -> str:
    return part.replace(_ESCAPE, 2 * _ESCAPE).replace(_BETWEEN, _ESCAPE + _BETWEEN)


def _parts(key: str) -> tuple[str, ...]:
    """The parts between `~`; none where `^` stands before anything but `^` and `~`."""
    if not re.fullmatch(r"(?:[^~^]|\^[~^]|~)*", key, re.DOTALL):
        return ()
    parts = re.findall(r"(?:^|~)((?:[^~^]|\^[~^])*)", key, re.DOTALL)
    return tuple(re.sub(r"\^([~^])", r"\1", part) for part in parts)


def _upper(char: str) -> str:
    upper = char.upper()
    if len(upper) != 1:
        return char
    try:
        upper.encode("cp1252")
    except UnicodeEncodeError:
        return char
    return upper
