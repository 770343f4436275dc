"""The mark of a try, in the 30 characters that GP's integration id has room for."""

import base64
import binascii
import re

STORED_LENGTH = 26
"""Letters of a mark in GP."""

_HEX = re.compile(r"[0-9a-f]{32}")
_STORED = re.compile(rf"[A-Z2-7]{{{STORED_LENGTH}}}")


def stored_mark(mark: str) -> str:
    """The mark as GP keeps it: the 32 hexadecimal digits of an attempt as 26 letters, which no case folding harms."""
    if not _HEX.fullmatch(mark):
        raise ValueError(f"{mark!r} is no mark of an attempt")
    return base64.b32encode(bytes.fromhex(mark)).decode().rstrip("=")


def mark_of(stored: str) -> str:
    """The inverse of `stored_mark`; what another program keeps there is given back as it is."""
    if not _STORED.fullmatch(stored):
        return stored
    try:
        mark = base64.b32decode(stored + "======").hex()
    except binascii.Error:
        return stored
    return mark if stored_mark(mark) == stored else stored
