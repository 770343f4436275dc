"""Reads CREATE, DROP, TRUNCATE and ALTER."""

from sandbox.tsql.definitions import DefinitionReader
from sandbox.tsql.errors import Unsupported
from sandbox.tsql.lexer import Literal, Token, unquote
from sandbox.tsql.reader import Reader
from sandbox.tsql.statements import (
    ChangeTracking,
    CreateIndex,
    CreateProcedure,
    CreateTable,
    DropTable,
    SnapshotIsolation,
    Statement,
    Truncate,
)


class SchemaParser(Reader):
    """`check` raises the syntax error of a procedure's body."""

    def check(self, body: str) -> None:
        raise NotImplementedError

    def _read_create(self, token: Token) -> Statement:
        if self.take("TABLE"):
            name = self.name()
            return CreateTable(token.line, name, DefinitionReader(self).table())
        if self.take("PROC") or self.take("PROCEDURE"):
            return self._create_procedure(token)
        unique = self.take("UNIQUE")
        if self.take("NONCLUSTERED") or self.peek().up == "INDEX":
            return self._create_index(token, unique=unique)
        raise Unsupported(f"CREATE {self.peek().up}")

    def _create_index(self, token: Token, *, unique: bool) -> CreateIndex:
        self.expect("INDEX")
        name = self.name()[-1]
        self.expect("ON")
        table = self.name()
        self.expect("(")
        columns = [self.name()[-1]]
        while self.take(","):
            columns.append(self.name()[-1])
        self.expect(")")
        return CreateIndex(token.line, name, table, columns, unique)

    def _create_procedure(self, token: Token) -> CreateProcedure:
        name = self.name()
        wrapped = self.take("(")
        parameters = []
        while self.peek().kind == "var":
            parameter = self.variable()[1:]
            self.take("AS")
            kind = self.type()
            default = None
            has_default = self.take("=")
            if has_default and not self.take("NULL"):
                value = self.constant_or_variable(words=True)
                default = value if isinstance(value, Literal) else None
            output = self.take("OUTPUT") or self.take("OUT")
            parameters.append((parameter, kind, default, has_default, output))
            if not self.take(","):
                break
        if wrapped:
            self.expect(")")
        self.expect("AS")
        body = self.source[self.peek().start :]
        self.check(body)
        self.parameter_names.update(range(len(self.tokens)))
        self.at = len(self.tokens)
        return CreateProcedure(token.line, name, parameters, body)

    def _read_drop(self, token: Token) -> Statement:
        if not self.take("TABLE"):
            raise Unsupported(f"DROP {self.peek().up}")
        if_exists = self.take("IF") and bool(self.expect("EXISTS"))
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        return DropTable(token.line, names, if_exists)

    def _read_truncate(self, token: Token) -> Statement:
        self.expect("TABLE")
        return Truncate(token.line, self.name())

    def _read_alter(self, token: Token) -> Statement:
        if self.take("DATABASE"):
            return self._alter_database(token)
        if not self.take("TABLE"):
            raise Unsupported(f"ALTER {self.peek().up}")
        name = self.name()
        enabled = self.take("ENABLE")
        if not enabled and not self.take("DISABLE"):
            raise Unsupported(f"ALTER TABLE {self.peek().up}")
        self.expect("CHANGE_TRACKING")
        if not self.at_end():
            self.run_to_end()
        return ChangeTracking(token.line, None, name, enabled)

    def _alter_database(self, token: Token) -> Statement:
        database = unquote(self.next().text)
        self.expect("SET")
        option = self.next().up
        self.take("=")
        enabled = self.next().up == "ON"
        if self.peek_text("("):
            self.parenthesised()
        if option == "CHANGE_TRACKING":
            return ChangeTracking(token.line, database, None, enabled)
        if option == "ALLOW_SNAPSHOT_ISOLATION":
            return SnapshotIsolation(token.line, database, enabled)
        raise Unsupported(f"ALTER DATABASE SET {option}")
