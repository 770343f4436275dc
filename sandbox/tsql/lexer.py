"""Cuts T-SQL text into tokens, and lifts literals out of a run of tokens so that like statements share a plan."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.tds.contract import SqlType
from sandbox.tsql.errors import error

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      |(?P<comment>/\*)
      |(?P<string>[Nn]?'(?:[^']|'')*')
      |(?P<open>[Nn]?')
      |(?P<quoted>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")
      |(?P<hex>0[xX][0-9A-Fa-f]*)
      |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      |(?P<money>\$\d+(?:\.\d*)?)
      |(?P<var>@@?[\w#$@]+)
      |(?P<word>[^\W\d][\w$\#@]*|\#\#?[\w$\#@]+)
      |(?P<op><=|>=|<>|!=|!<|!>|\+=|-=|\*=|/=|%=|::|[-+*/%&|^~<>=(),.;:?])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is string, quoted, hex, number, money, var, word or op; `up` is the text in upper case."""

    kind: str
    text: str
    up: str
    start: int
    line: int


def tokens(text: str) -> list[Token]:
    """The tokens of a batch; SqlError 105 for an open string, 102 for a character T-SQL has no use for."""
    found: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise error(102, text[at])
        kind = match.lastgroup or ""
        if kind == "open":
            raise error(105, text[match.end() :])
        end = _comment_end(text, at) if kind == "comment" else match.end()
        if kind not in {"space", "comment"}:
            piece = match[0]
            found.append(Token(kind, piece, piece.upper(), at, line))
        line += text.count("\n", at, end)
        at = end
    return found


def _comment_end(text: str, at: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    raise error(102, "/*")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant and the SQL Server type it has."""

    value: object
    type: SqlType


def unquote(text: str) -> str:
    """The name inside brackets or double quotes."""
    if text[:1] == "[":
        return text[1:-1].replace("]]", "]")
    return text[1:-1].replace('""', '"') if text[:1] == '"' else text


def literal(token: Token) -> Literal:
    """The value of a string, number, money or hex token."""
    if token.kind == "string":
        national = token.text[0] in "Nn"
        # Inside a literal a backslash before a line end continues the line.
        value = re.sub(r"\\\r?\n", "", token.text[2 if national else 1 : -1].replace("''", "'"))
        return Literal(
            value, SqlType("nvarchar" if national else "varchar", _bucket(len(value), 4000 if national else 8000))
        )
    if token.kind == "hex":
        digits = token.text[2:]
        raw = bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
        return Literal(raw, SqlType("varbinary", _bucket(len(raw), 8000)))
    if token.kind == "money":
        return Literal(Decimal(token.text[1:]), SqlType("money"))
    return _number(token.text)


def _bucket(length: int, most: int) -> int | None:
    # Types of literals are rounded up so that plans are shared between texts of unlike length.
    return next((size for size in (16, 64, 256, 1024, most) if length <= size), None)


def _number(text: str) -> Literal:
    if "e" in text.lower():
        return Literal(float(text), SqlType("float"))
    if "." not in text and int(text) < 2**31:
        # The digits decide the scale of a division; columns and variables of type int count as 10.
        return Literal(int(text), SqlType("int", precision=len(text.lstrip("0")) or 1))
    whole, _, fraction = text.partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return Literal(Decimal(text), SqlType("numeric", precision=max(digits, 1), scale=len(fraction)))


@dataclass(frozen=True, slots=True)
class Fragment:
    """A run of tokens: `text` has the lifted literals as @__p0, @__p1 ... and is the same for like statements."""

    text: str
    literals: tuple[Literal, ...]
    variables: tuple[str, ...]
    line: int
    original: str


_TYPED = {
    "CHAR", "VARCHAR", "NCHAR", "NVARCHAR", "NUMERIC", "DECIMAL", "DATETIME2", "VARBINARY", "BINARY", "FLOAT", "TIME",
    "DATETIMEOFFSET", "DEC", "CHARACTER",
}  # fmt: skip
_BEFORE_LITERAL = {
    "SELECT", "LIKE", "THEN", "ELSE", "WHEN", "AND", "OR", "BETWEEN", "NOT", "BY", "ESCAPE", "DISTINCT", "OFFSET", "TOP",
    "ON", "WHERE", "HAVING", "NEXT", "FIRST", "RETURN", "PRINT", "IN", "CASE", "IF", "WHILE", "ALL",
}  # fmt: skip


def _liftable(before: Token | None, in_type: bool) -> bool:
    if in_type:
        return False
    if before is None or before.up in _BEFORE_LITERAL:
        return True
    return before.kind == "op" and before.text not in {")", ".", ";"}


def fragment(run: Sequence[Token], source: str) -> Fragment:
    """The run as a Fragment. Lengths inside type names and JSON paths of WITH columns stay in the text."""
    pieces: list[str] = []
    found: list[Literal] = []
    variables: dict[str, None] = {}
    types: list[bool] = []
    before: Token | None = None
    for token in run:
        if token.text == "(":
            types.append(before is not None and before.up in _TYPED)
        elif token.text == ")" and types:
            types.pop()
        piece = token.text
        if token.kind in {"string", "number", "hex", "money"} and _liftable(before, bool(types and types[-1])):
            value = literal(token)
            piece = f"@__p{len(found)}"
            found.append(value)
        elif token.kind == "var" and not piece.startswith("@@"):
            variables[piece.lower()] = None
        glued = piece == "." or (before is not None and before.text == ".")
        pieces.append(piece if glued or not pieces else " " + piece)
        before = token
    kinds = ",".join(f"{lit.type.name}{lit.type.length or ''}.{lit.type.precision}.{lit.type.scale}" for lit in found)
    end = run[-1].start + len(run[-1].text) if run else 0
    original = source[run[0].start : end] if run else ""
    return Fragment(
        "".join(pieces) + f" /*{kinds}*/", tuple(found), tuple(variables), run[0].line if run else 1, original
    )
