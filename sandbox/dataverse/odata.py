"""Paths, key predicates, `$expand` and option lists of a URL."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from sandbox.dataverse.errors import bad_query
from sandbox.dataverse.grammar import parse_literal
from sandbox.dataverse.literals import GUID, Literal


def split_outside(text: str, separator: str) -> list[str]:
    """`text` cut at `separator` where it stands outside quotes and parentheses; empty pieces are dropped."""
    pieces, depth, quoted, start = [], 0, False, 0
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "([":
            depth += 1
        elif not quoted and character in ")]":
            depth -= 1
        elif character == separator and not quoted and not depth:
            pieces.append(text[start:at])
            start = at + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


@dataclass(frozen=True)
class Segment:
    """One step of a path: `accounts`, `accounts(...)`; `key` is the text between the parentheses, or None."""

    name: str
    key: str | None


def parse_path(raw: str) -> list[Segment]:
    """The segments of a percent-encoded path below the service root. Raises DataverseError 0x80060888."""
    segments = []
    for piece in split_outside(unquote(raw), "/"):
        match = re.fullmatch(r"([\w.$@-]+)(?:\((.*)\))?", piece, re.DOTALL)
        if match is None:
            raise bad_query(f"Bad Request - Error in query syntax: '{piece}'.")
        segments.append(Segment(match[1], match[2]))
    return segments


def parse_key(text: str) -> dict[str, Literal]:
    """A key predicate as name -> constant; the name is "" for a bare primary key value."""
    parts = split_outside(text, ",")
    if len(parts) == 1 and GUID.fullmatch(parts[0]):
        return {"": parse_literal(parts[0])}
    values = {}
    for part in parts:
        name, found, value = part.partition("=")
        if not found or name.strip() in values:
            raise bad_query("Bad Request - Error in query syntax.")
        values[name.strip()] = parse_literal(value.strip())
    return values


def parse_query(raw: str) -> dict[str, str]:
    """The options of a query string by name; a name given twice is refused."""
    options: dict[str, str] = {}
    for part in filter(None, raw.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name in options:
            raise bad_query(f"Query option '{name}' was specified more than once, but it must be specified once.")
        options[name] = unquote_plus(value)
    return options


@dataclass(frozen=True)
class Expand:
    """One `$expand` item with its own options."""

    name: str
    options: dict[str, str]


def parse_expand(text: str) -> list[Expand]:
    """The items of `$expand`. Raises DataverseError 0x80060888."""
    items = []
    for piece in split_outside(text, ","):
        match = re.fullmatch(r"([^()]+)(?:\((.*)\))?", piece, re.DOTALL)
        if match is None:
            raise bad_query(f"Bad Request - Error in query syntax: '{piece}'.")
        options: dict[str, str] = {}
        for option in split_outside(match[2] or "", ";"):
            key, _, value = option.partition("=")
            options[key.strip()] = value.strip()
        items.append(Expand(match[1].strip(), options))
    return items
