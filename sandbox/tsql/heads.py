"""Splits INSERT, UPDATE and DELETE into their clauses, each still T-SQL text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.lexer import Token, unquote
from sandbox.tsql.reader import Reader


@dataclass
class Head:
    """A write statement in its parts, each still T-SQL text."""

    verb: str
    target: str = ""
    alias: str = ""
    top: str = ""
    hints: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    assignments: list[list[Token]] = field(default_factory=list)
    output: str = ""
    into: str = ""
    into_columns: list[str] = field(default_factory=list)
    source: str = ""
    where: str = ""
    default_values: bool = False
    ctes: str = ""


def text_of(run: Sequence[Token]) -> str:
    """Tokens as text again."""
    pieces: list[str] = []
    for token in run:
        glue = token.text == "." or (pieces and pieces[-1].endswith("."))
        pieces.append(token.text if glue or not pieces else " " + token.text)
    return "".join(pieces)


class HeadReader(Reader):
    """Splits INSERT, UPDATE and DELETE into their clauses."""

    def read(self) -> Head:
        ctes = ""
        if self.peek_word("MERGE"):
            raise Unsupported("MERGE")
        if self.peek_word("WITH"):
            ctes = text_of(self._until("INSERT", "UPDATE", "DELETE"))
        head = Head(self.next().up, ctes=ctes)
        if self.take("TOP"):
            head.top = text_of(self.parenthesised())
        self.take("INTO") or self.take("FROM")
        head.target = self._target()
        if self.peek_word("WITH") and self.peek(1).text == "(":
            self.next()
            head.hints = [token.up for token in self.parenthesised() if token.text != ","]
        getattr(self, f"_{head.verb.lower()}")(head)
        if not self.done:
            raise error(102, self.peek().text)
        return head

    def _target(self) -> str:
        return self.next().text if self.peek().kind == "var" else ".".join(self.name())

    def _until(self, *words: str) -> list[Token]:
        start, depth = self.at, 0
        while not self.done and not (depth == 0 and self.peek().kind == "word" and self.peek().up in words):
            depth += (self.peek().text == "(") - (self.peek().text == ")")
            self.at += 1
        return list(self.tokens[start : self.at])

    def _output(self, head: Head, *ends: str) -> None:
        if not self.take("OUTPUT"):
            return
        head.output = text_of(self._until("INTO", *ends))
        if self.take("INTO"):
            head.into = self._target()
            if self.peek_text("(") and self.peek(1).up != "SELECT":
                head.into_columns = [unquote(token.text) for token in self.parenthesised() if token.text != ","]

    def _insert(self, head: Head) -> None:
        if self.peek_text("(") and self.peek(1).up not in {"SELECT", "("}:
            head.columns = [unquote(token.text) for token in self.parenthesised() if token.text != ","]
        self._output(head, "VALUES", "SELECT", "DEFAULT", "WITH")
        if self.take("DEFAULT"):
            self.expect("VALUES")
            head.default_values = True
            return
        head.source = text_of(self._until())

    def _update(self, head: Head) -> None:
        self.expect("SET")
        run = self._until("OUTPUT", "FROM", "WHERE", "OPTION")
        head.assignments = _split(run)
        if not all(head.assignments):
            raise error(102, ",")
        self._tail(head)

    def _delete(self, head: Head) -> None:
        self._tail(head)

    def _tail(self, head: Head) -> None:
        self._output(head, "FROM", "WHERE", "OPTION")
        if self.take("FROM"):
            head.source = text_of(self._until("WHERE", "OPTION"))
        if self.take("WHERE"):
            head.where = text_of(self._until("OPTION"))
        if self.take("OPTION"):
            self.parenthesised()


def _split(run: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in run:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
