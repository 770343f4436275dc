"""The expressions of OData 4.0's URL grammar that Dataverse takes: `$filter` and constants, as trees."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.dataverse.errors import bad_query

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^']|'')*')
    | (?P<alias>@\w+)
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<mark>[()\[\],/:=])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}


@dataclass(frozen=True)
class Literal:
    """A constant. `edm` is its OData type, "null" for null and "Collection" for a tuple of constants."""

    value: object
    edm: str


@dataclass(frozen=True)
class Path:
    """A property, reached through navigation properties: `primarycontactid/fullname`."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function with positional or named arguments; query functions keep their full name."""

    name: str
    args: tuple["Node", ...] = ()
    named: Mapping[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class Compare:
    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Logic:
    """`and`, `or` of its items."""

    op: str
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    item: "Node"


@dataclass(frozen=True)
class Quantified:
    """`collection/any(v:...)` or `/all(v:...)`; no body means any row at all."""

    path: Path
    every: bool
    variable: str
    body: "Node | None"


Node = Literal | Path | Call | Compare | Logic | Not | Quantified


def instant(text: str) -> str:
    """An ISO 8601 date and time with offset as stored here: UTC, whole seconds, `Z`. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_filter(text: str, aliases: Mapping[str, str]) -> Node:
    """The tree of a `$filter`; `aliases` are the `@name=value` parameters of the URL.

    Raises DataverseError 0x80060888 where the text is not in the grammar.
    """
    parser = _Parser(text, aliases)
    node = parser.either()
    parser.end()
    return node


def parse_literal(text: str) -> Literal:
    """One constant, as in a key predicate or a parameter alias. Raises DataverseError 0x80060888."""
    parser = _Parser(text, {})
    literal = parser.constant()
    parser.end()
    return literal


class _Parser:
    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self._text, self._aliases = text, aliases
        self._tokens = list(self._split(text))
        self._at = 0

    def _split(self, text: str):
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(position)
            yield match.lastgroup, match.group(match.lastgroup or 0), match.start()
            position = match.end()

    def _error(self, position: int) -> Exception:
        return bad_query(f"Syntax error at position {position} in '{self._text}'.")

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at][:2] if at < len(self._tokens) else ("end", "")

    def _take(self, text: str = "") -> str:
        _, found = self._peek()
        if self._at >= len(self._tokens) or (text and found != text):
            raise self._fail()
        self._at += 1
        return found

    def _fail(self) -> Exception:
        known = self._at < len(self._tokens)
        return self._error(self._tokens[self._at][2] if known else len(self._text))

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise self._fail()

    def either(self) -> Node:
        return self._chain("or", self._both)

    def _both(self) -> Node:
        return self._chain("and", self._negation)

    def _chain(self, word: str, part) -> Node:
        items = [part()]
        while self._peek() == ("name", word):
            self._take()
            items.append(part())
        return items[0] if len(items) == 1 else Logic(word, tuple(items))

    def _negation(self) -> Node:
        if self._peek() == ("name", "not"):
            self._take()
            return Not(self._negation())
        left = self._operand()
        kind, word = self._peek()
        if kind == "name" and word in _COMPARISONS:
            self._take()
            return Compare(word, left, self._operand())
        return left

    def _operand(self) -> Node:
        kind, text = self._peek()
        if text == "(" and kind == "mark":
            self._take()
            node = self.either()
            self._take(")")
            return node
        if kind == "name" and text not in {"true", "false", "null"}:
            return self._name()
        return self.constant()

    def constant(self) -> Literal:
        kind, text = self._peek()
        if kind == "mark" and text == "[":
            return self._list()
        self._take()
        if kind == "alias":
            return parse_literal(self._aliases[text]) if text in self._aliases else Literal(None, "null")
        try:
            literal = _constant(kind, text)
        except ValueError:
            literal = None
        if literal is None:
            self._at -= 1
            raise self._fail()
        return literal

    def _list(self) -> Literal:
        self._take("[")
        items = []
        while self._peek()[1] != "]":
            items.append(self.constant())
            if self._peek()[1] == ",":
                self._take()
        self._take("]")
        return Literal(tuple(items), "Collection")

    def _name(self) -> Node:
        parts = [self._take()]
        while self._peek()[1] == "/":
            self._take()
            parts.append(self._take())
            if parts[-1] in {"any", "all"} and self._peek()[1] == "(":
                return self._quantified(Path(tuple(parts[:-1])), parts[-1] == "all")
        if len(parts) == 1 and self._peek()[1] == "(":
            return self._call(parts[0])
        return Path(tuple(parts))

    def _quantified(self, path: Path, every: bool) -> Node:
        self._take("(")
        if self._peek()[1] == ")":
            self._take()
            return Quantified(path, every, "", None)
        variable = self._take()
        self._take(":")
        body = self.either()
        self._take(")")
        return Quantified(path, every, variable, body)

    def _call(self, name: str) -> Node:
        self._take("(")
        args, named = [], {}
        while self._peek()[1] != ")":
            if self._peek(1)[1] == "=":
                key = self._take()
                self._take("=")
                named[key] = self.constant()
            else:
                args.append(self.either())
            if self._peek()[1] == ",":
                self._take()
        self._take(")")
        return Call(name, tuple(args), named)


def _constant(kind: str, text: str) -> Literal | None:
    match kind, text:
        case "string", _:
            return Literal(text[1:-1].replace("''", "'"), "Edm.String")
        case "guid", _:
            return Literal(text.lower(), "Edm.Guid")
        case "datetime", _:
            return Literal(instant(text), "Edm.DateTimeOffset")
        case "date", _:
            return Literal(text, "Edm.Date")
        case "number", _:
            whole = re.fullmatch(r"-?\d+", text)
            return Literal(int(text), "Edm.Int32") if whole else Literal(Decimal(text), "Edm.Decimal")
        case "name", "true" | "false":
            return Literal(text == "true", "Edm.Boolean")
        case "name", "null":
            return Literal(None, "null")
    return None
