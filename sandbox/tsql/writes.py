"""Compiles INSERT, UPDATE and DELETE. Their heads are read here; what they contain goes through `queries`."""

from sandbox.tsql.changes import Changes
from sandbox.tsql.heads import HeadReader
from sandbox.tsql.inserts import Inserts
from sandbox.tsql.lexer import tokens
from sandbox.tsql.writer import Write


class Writes(Inserts, Changes):
    """The compiler of any write."""

    def compile(self, text: str) -> Write:
        head = HeadReader(tokens(text), text).read()
        self._prefix = self._ctes(head)
        write: Write = getattr(self, f"_{head.verb.lower()}")(head)
        write.sql = write.sql if head.into else self._prefix + write.sql
        write.hints = head.hints
        return write
