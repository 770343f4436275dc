"""The expressions of OData 4.0's URL grammar that Dataverse takes: `$filter` and constants, as trees."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.dataverse.errors import DataverseError, bad_query
from sandbox.dataverse.literals import TOKEN, Literal, constant

_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}


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


def parse_filter(text: str, aliases: Mapping[str, str]) -> Node:
    """The tree of a `$filter`; `aliases` are the `@name=value` parameters of the URL.

    Raises DataverseError 0x80060888 where the text is not in the grammar.
    """
    parser = _Parser(text, aliases)
    try:
        node = parser.either()
    except RecursionError:
        raise bad_query("The $filter expression is nested too deeply.") from None
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

    def _split(self, text: str) -> Iterator[tuple[str, str, int]]:
        position, end = 0, len(text.rstrip())
        while position < end:
            match = TOKEN.match(text, position)
            if match is None:
                raise self._error(position)
            kind = str(match.lastgroup)
            yield kind, match[kind], match.start(kind)
            position = match.end()

    def _error(self, position: int) -> DataverseError:
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

    def _fail(self) -> DataverseError:
        known = self._at < len(self._tokens)
        return self._error(self._tokens[self._at][2] if known else len(self._text))

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise self._fail()

    def either(self) -> Node:
        return self._chain("or", self._both)

    def _both(self) -> Node:
        return self._chain("and", self._comparison)

    def _chain(self, word: str, part: Callable[[], Node]) -> Node:
        items = [part()]
        while self._peek() == ("name", word):
            self._take()
            items.append(part())
        return items[0] if len(items) == 1 else Logic(word, tuple(items))

    def _comparison(self) -> Node:
        left = self._operand()
        kind, word = self._peek()
        if kind == "name" and word in _COMPARISONS:
            self._take()
            return Compare(word, left, self._operand())
        return left

    def _operand(self) -> Node:
        kind, text = self._peek()
        if (kind, text) == ("name", "not"):
            # `not` binds tighter than a comparison, as OData has it: `not a eq 1` is `(not a) eq 1`.
            self._take()
            return Not(self._operand())
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
            literal = constant(kind, text)
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
            self._comma("]")
        self._take("]")
        return Literal(tuple(items), "Collection")

    def _comma(self, end: str) -> None:
        if self._peek() != ("mark", end):
            self._take(",")

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
            self._comma(")")
        self._take(")")
        return Call(name, tuple(args), named)
