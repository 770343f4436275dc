"""Reads the column list of CREATE TABLE and DECLARE @t TABLE."""

from sandbox.tsql.errors import Unsupported
from sandbox.tsql.lexer import unquote
from sandbox.tsql.reader import Reader
from sandbox.tsql.statements import ColumnDefinition, TableDefinition


class DefinitionReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._columns: list[ColumnDefinition] = []
        self._key: list[str] = []
        self._unique: list[list[str]] = []
        self._checks: list[str] = []

    def table(self) -> TableDefinition:
        self._reader.expect("(")
        while True:
            if not self._constraint():
                self._column()
            if self._reader.take(")"):
                break
            self._reader.expect(",")
        return TableDefinition(self._columns, self._key, self._unique, self._checks)

    def _constraint(self) -> bool:
        if self._reader.take("CONSTRAINT"):
            self._reader.next()
        if self._reader.take("PRIMARY"):
            self._reader.expect("KEY")
            self._clustered()
            self._key = self._names()
        elif self._reader.take("UNIQUE"):
            self._clustered()
            self._unique.append(self._names())
        elif self._reader.take("CHECK"):
            self._checks.append(self._text())
        else:
            return False
        return True

    def _clustered(self) -> None:
        self._reader.take("CLUSTERED") or self._reader.take("NONCLUSTERED")

    def _names(self) -> list[str]:
        return [unquote(token.text) for token in self._reader.parenthesised() if token.up not in {",", "ASC", "DESC"}]

    def _text(self) -> str:
        run = self._reader.parenthesised()
        return self._reader.source[run[0].start : run[-1].start + len(run[-1].text)]

    def _column(self) -> None:
        reader = self._reader
        name = unquote(reader.next().text)
        kind = reader.type()
        nullable, identity, default = True, False, None
        while not reader.peek_text(",") and not reader.peek_text(")"):
            if reader.take("NOT"):
                reader.expect("NULL")
                nullable = False
            elif reader.take("NULL"):
                nullable = True
            elif reader.take("IDENTITY"):
                identity, nullable = True, False
                if reader.peek_text("(") and [token.text for token in reader.parenthesised()] != ["1", ",", "1"]:
                    raise Unsupported("IDENTITY with another seed than (1,1)")
            elif reader.take("DEFAULT"):
                default = self._default()
            elif reader.take("PRIMARY"):
                reader.expect("KEY")
                self._clustered()
                self._key, nullable = [name], False
            elif reader.take("UNIQUE"):
                self._unique.append([name])
            elif reader.take("CHECK"):
                self._checks.append(self._text())
            elif reader.take("COLLATE") or reader.take("CONSTRAINT"):
                reader.next()
            else:
                raise Unsupported(f"column option {reader.peek().text}")
        self._columns.append(ColumnDefinition(name, kind, nullable, identity, default))

    def _default(self) -> str:
        reader = self._reader
        if reader.peek_text("("):
            return self._text()
        sign = "-" if reader.take("-") else ""
        text = sign + reader.next().text
        if reader.peek_text("("):
            text += "(" + "".join(token.text for token in reader.parenthesised()) + ")"
        return text
