"""Reads SET of an option."""

from sandbox.tsql.errors import Unsupported
from sandbox.tsql.lexer import Token
from sandbox.tsql.reader import Reader
from sandbox.tsql.statements import Block, SetOption, ShapeOnly, Statement

_ON_OFF = {
    "NOCOUNT", "XACT_ABORT", "ARITHABORT", "ANSI_NULLS", "ANSI_PADDING", "ANSI_WARNINGS", "ANSI_NULL_DFLT_ON", "QUOTED_IDENTIFIER",
    "CONCAT_NULL_YIELDS_NULL", "NUMERIC_ROUNDABORT", "IMPLICIT_TRANSACTIONS", "CURSOR_CLOSE_ON_COMMIT", "FMTONLY", "NOEXEC",
    "ANSI_DEFAULTS", "ARITHIGNORE", "REMOTE_PROC_TRANSACTIONS",
}  # fmt: skip
_VALUED = {"LOCK_TIMEOUT", "DEADLOCK_PRIORITY", "ROWCOUNT", "TEXTSIZE", "LANGUAGE", "DATEFORMAT", "DATEFIRST"}


class OptionParser(Reader):
    def _set_option(self, token: Token) -> Statement:
        names = [self.next().up]
        if names[0] == "TRANSACTION":
            self.expect("ISOLATION")
            self.expect("LEVEL")
            words = [t.up for t in self.run_to_end()]
            return SetOption(token.line, "ISOLATION", " ".join(words))
        if names[0] == "IDENTITY_INSERT":
            table = ".".join(self.name())
            return SetOption(token.line, "IDENTITY_INSERT", f"{table} {self.next().up}")
        if names[0] == "FMTONLY" and self.peek_word("ON") and self.peek(1).up == "SELECT":
            return self._shape_only(token)
        while self.take(","):
            names.append(self.next().up)
        if not all(name in _ON_OFF or name in _VALUED for name in names):
            raise Unsupported(f"SET {names[0]}")
        sign = "-" if self.take("-") else ""
        value = sign + self.next().text
        found = [SetOption(token.line, name, value.upper() if name in _ON_OFF else value) for name in names]
        return found[0] if len(found) == 1 else Block(token.line, found)

    def _shape_only(self, token: Token) -> Statement:
        self.expect("ON")
        self.expect("SELECT")
        self.expect("*")
        self.expect("FROM")
        name = self.name()
        for word in ("SET", "FMTONLY", "OFF"):
            self.expect(word)
        return ShapeOnly(token.line, name)
