"""Reads a batch: control flow, variables, transactions, EXEC. Queries and expressions are kept as fragments."""

from collections.abc import Sequence

from sandbox.tsql.call_parser import CallParser
from sandbox.tsql.definitions import DefinitionReader
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.lexer import Fragment, Token, fragment, tokens, unquote
from sandbox.tsql.option_parser import OptionParser
from sandbox.tsql.reader import STARTS
from sandbox.tsql.schema_parser import SchemaParser
from sandbox.tsql.statements import (
    Block,
    Declare,
    Execute,
    ExecuteText,
    If,
    InsertBulk,
    InsertExecute,
    Jump,
    Query,
    Return,
    SetVariable,
    Statement,
    Transaction,
    Try,
    While,
)
from sandbox.tsql.syntax import check_expression, check_query

_TRANSACTION = {"TRAN", "TRANSACTION"}
_NOT_IMITATED = {
    "BACKUP", "BULK", "CHECKPOINT", "CLOSE", "DBCC", "DEALLOCATE", "DENY", "DISABLE", "ENABLE", "FETCH", "GOTO", "GRANT", "KILL",
    "LINENO", "OPEN", "READTEXT", "RECONFIGURE", "RESTORE", "REVERT", "REVOKE", "SHUTDOWN", "UPDATETEXT", "WRITETEXT",
}  # fmt: skip


def parse(text: str) -> Block:
    """The statements of a batch. A syntax error anywhere stops the whole batch: SqlError 102, 105 or 156."""
    reader = BatchParser(text)
    body = reader.statements()
    if not reader.done:
        raise error(102, reader.peek().text)
    return Block(1, body, reader.free())


class BatchParser(SchemaParser, CallParser, OptionParser):
    def __init__(self, text: str) -> None:
        super().__init__(tokens(text), text)
        self._declared: dict[str, int] = {}
        self.parameter_names: set[int] = set()

    def expression(self, *, condition: bool = False, comma: bool = False) -> Fragment:
        """The expression that stands here; with `comma` it ends at the next comma."""
        piece = fragment(self.run_to_end(comma=comma), self.source)
        check_expression(piece.text, condition=condition)
        return piece

    def check(self, body: str) -> None:
        parse(body)

    def free(self) -> tuple[str, ...]:
        """Variables used before or without their DECLARE, in order."""
        found: dict[str, None] = {}
        for place, token in enumerate(self.tokens):
            name = token.text.lower()
            if (
                token.kind == "var"
                and name[:2] != "@@"
                and place not in self.parameter_names
                and self._declared.get(name, place + 1) > place
            ):
                found[name] = None
        return tuple(found)

    def statements(self, *ends: str) -> list[Statement]:
        found: list[Statement] = []
        while True:
            while self.take(";"):
                pass
            if self.done or self.peek().up in ends:
                return found
            found.append(self.statement())

    def statement(self) -> Statement:
        token = self.peek()
        reader = getattr(self, f"_read_{token.up.lower()}", None) if token.kind == "word" else None
        if token.kind == "word" and token.up in _NOT_IMITATED:
            raise Unsupported(token.up)
        if reader is None:
            if token.kind == "word" and self.at == 0:
                return self._execute(token)
            raise error(156 if token.up in STARTS or token.up in {"ELSE", "END"} else 102, token.text)
        self.next()
        result: Statement = reader(token)
        return result

    # Queries ------------------------------------------------------------------------------------

    def _query(self, token: Token) -> Statement:
        if token.up == "UPDATE" and self.peek_word("STATISTICS"):
            raise Unsupported("UPDATE STATISTICS")
        self.at -= 1
        run = self.run_to_end()
        verb = token.up
        if verb == "WITH":
            verb = next(
                (
                    t.up
                    for t, depth in _depths(run)
                    if depth == 0 and t.up in {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"}
                ),
                "SELECT",
            )
        piece = fragment(run, self.source)
        check_query(verb, piece.text)
        return Query(token.line, verb, piece)

    _read_select = _read_update = _read_delete = _read_with = _read_merge = _query

    def _read_insert(self, token: Token) -> Statement:
        if self.peek_word("BULK"):
            self.next()
            name = self.name()
            self.at = len(self.tokens)
            return InsertBulk(token.line, ".".join(name))
        start = self.at
        executed = self._insert_execute(token)
        if executed:
            return executed
        self.at = start
        return self._query(token)

    def _insert_execute(self, token: Token) -> Statement | None:
        self.take("INTO")
        target = self.next().text if self.peek().kind == "var" else ".".join(self.name())
        columns: list[str] = []
        if self.peek_text("(") and self.peek(1).up != "SELECT":
            columns = [unquote(t.text) for t in self.parenthesised() if t.text != ","]
        if not (self.take("EXEC") or self.take("EXECUTE")):
            return None
        inner = self._execute(token)
        assert isinstance(inner, Execute | ExecuteText)
        return InsertExecute(token.line, target, columns, inner)

    # Variables and options ----------------------------------------------------------------------

    def _read_declare(self, token: Token) -> Statement:
        found: list[Statement] = []
        while True:
            place = self.at
            if self.peek(1).up == "CURSOR":
                raise Unsupported("DECLARE CURSOR")
            name = self.variable()
            if name in self._declared:
                raise error(134, name)
            self._declared[name] = place
            self.take("AS")
            if self.take("TABLE"):
                found.append(Declare(token.line, name, DefinitionReader(self).table()))
            else:
                kind = self.type()
                if kind.name in {"text", "ntext", "image"}:
                    raise error(2739)
                value = self.expression(comma=True) if self.take("=") else None
                found.append(Declare(token.line, name, kind, value))
            if not self.take(","):
                return found[0] if len(found) == 1 else Block(token.line, found)

    def _read_set(self, token: Token) -> Statement:
        if self.peek().kind == "var":
            name = self.variable()
            operator = self.next().text
            if operator == "=":
                return SetVariable(token.line, name, self.expression())
            if operator[-1:] != "=" or operator[0] not in "+-*/%":
                raise error(102, operator)
            start = self.tokens[self.at - 2], Token("op", operator[0], operator[0], token.start, token.line)
            run = self.run_to_end()
            wrapped = [Token("op", "(", "(", 0, 0), *run, Token("op", ")", ")", 0, 0)]
            return SetVariable(token.line, name, fragment([*start, *wrapped], self.source))
        return self._set_option(token)

    # Control flow -------------------------------------------------------------------------------

    def _read_if(self, token: Token) -> Statement:
        condition = self.expression(condition=True)
        then = self.statement()
        mark = self.at
        while self.take(";"):
            pass
        if self.take("ELSE"):
            return If(token.line, condition, then, self.statement())
        self.at = mark
        return If(token.line, condition, then, None)

    def _read_while(self, token: Token) -> Statement:
        return While(token.line, self.expression(condition=True), self.statement())

    def _read_begin(self, token: Token) -> Statement:
        if self.peek().up in _TRANSACTION:
            self.next()
            return Transaction(token.line, "begin", self._transaction_name())
        if self.take("TRY"):
            return self._try(token)
        if self.peek_word("DISTRIBUTED"):
            raise Unsupported("BEGIN DISTRIBUTED TRANSACTION")
        body = self.statements("END")
        self.expect("END")
        if not body:
            raise error(102, "END")
        return Block(token.line, body)

    def _try(self, token: Token) -> Statement:
        body = Block(token.line, self.statements("END"))
        for word in ("END", "TRY"):
            self.expect(word)
        self.take(";")
        line = self.peek().line
        for word in ("BEGIN", "CATCH"):
            self.expect(word)
        catch = Block(line, self.statements("END"))
        for word in ("END", "CATCH"):
            self.expect(word)
        return Try(token.line, body, catch)

    def _read_break(self, token: Token) -> Statement:
        return Jump(token.line, "break")

    def _read_continue(self, token: Token) -> Statement:
        return Jump(token.line, "continue")

    def _read_return(self, token: Token) -> Statement:
        return Return(token.line, None if self.at_end() else self.expression())

    # Transactions -------------------------------------------------------------------------------

    def _transaction_name(self) -> str | None:
        if self.done or self.at_end():
            return None
        token = self.peek()
        if token.kind not in {"word", "quoted", "var"} or token.up == "WITH":
            return None
        self.next()
        if self.peek_word("WITH"):
            raise Unsupported("a transaction WITH an option")
        return token.text.lower() if token.kind == "var" else unquote(token.text)

    def _read_commit(self, token: Token) -> Statement:
        self.take("TRAN") or self.take("TRANSACTION") or self.take("WORK")
        return Transaction(token.line, "commit", self._transaction_name())

    def _read_rollback(self, token: Token) -> Statement:
        self.take("TRAN") or self.take("TRANSACTION") or self.take("WORK")
        return Transaction(token.line, "rollback", self._transaction_name())

    def _read_save(self, token: Token) -> Statement:
        if self.next().up not in _TRANSACTION:
            raise error(102, "SAVE")
        name = self._transaction_name()
        if name is None:
            raise error(102, "SAVE")
        return Transaction(token.line, "save", name)


def _depths(run: Sequence[Token]) -> list[tuple[Token, int]]:
    depth, found = 0, []
    for token in run:
        depth -= token.text == ")"
        found.append((token, depth))
        depth += token.text == "("
    return found
