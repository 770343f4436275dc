"""Walks the tokens of a batch: names, types, constants, and where a statement without `;` ends."""

from collections.abc import Sequence

from sandbox.tds.contract import SqlType
from sandbox.tsql.catalog import sql_type
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.kinds import KNOWN
from sandbox.tsql.lexer import Literal, Token, literal, unquote

# Words that begin a statement, and so end the one before when it has no `;`.
STARTS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DECLARE", "SET", "IF", "ELSE", "WHILE", "BEGIN", "END", "COMMIT",
    "ROLLBACK", "SAVE", "EXEC", "EXECUTE", "RETURN", "BREAK", "CONTINUE", "THROW", "RAISERROR", "PRINT", "USE", "WAITFOR", "CREATE",
    "ALTER", "DROP", "GRANT", "REVOKE", "DENY", "GOTO",
}  # fmt: skip
_QUERY_JOINS = {"UNION", "ALL", "EXCEPT", "INTERSECT"}
_AFTER_LIST = {"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "VALUES", "UNION", "OUTPUT", "OPTION"}
_END = Token("end", "", "", -1, 1)


class Reader:
    def __init__(self, found: Sequence[Token], source: str) -> None:
        self.tokens = found
        self.source = source
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else _END

    def peek_word(self, word: str) -> bool:
        return self.peek().up == word

    def peek_text(self, text: str) -> bool:
        return self.peek().text == text

    def next(self) -> Token:
        if self.done:
            last = self.tokens[-1].text if self.tokens else ""
            raise error(102, last)
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, word: str) -> bool:
        """Step over `word` if it stands here."""
        if self.peek().up == word and self.peek().kind in {"word", "op"}:
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> Token:
        token = self.next()
        if token.up != word:
            raise error(102, token.text)
        return token

    def at_end(self) -> bool:
        """Whether the statement ends here."""
        token = self.peek()
        return self.done or token.text == ";" or (token.kind == "word" and token.up in STARTS)

    def name(self) -> tuple[str, ...]:
        """`p`, `dbo.p`, `TWO..p` as its parts; empty parts are ''."""
        parts = [self._name_part()]
        while self.take("."):
            parts.append("" if self.peek_text(".") else self._name_part())
        return tuple(parts)

    def _name_part(self) -> str:
        token = self.next()
        if token.kind not in {"word", "quoted"}:
            raise error(102, token.text)
        return unquote(token.text)

    def variable(self) -> str:
        """A variable's name in lower case, with its @."""
        token = self.next()
        if token.kind != "var":
            raise error(102, token.text)
        return token.text.lower()

    def type(self) -> SqlType:
        word = unquote(self.next().text)
        if self.take("."):
            word = unquote(self.next().text)
        text = word
        if self.peek_text("("):
            text += "(" + "".join(token.text for token in self.parenthesised()) + ")"
        try:
            kind = sql_type(text)
        except ValueError:
            raise error(102, word) from None
        if kind.name in {"xml", "geography", "geometry", "hierarchyid", "cursor"}:
            raise Unsupported(f"the type {kind.name}")
        if kind.name not in KNOWN:
            raise error(2715, "?", word)
        return kind

    def parenthesised(self) -> list[Token]:
        """The tokens between this `(` and its `)`, both stepped over."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.next()
            depth += (token.text == "(") - (token.text == ")")
        return list(self.tokens[start : self.at - 1])

    def constant_or_variable(self, *, words: bool = False) -> Literal | str:
        """A constant, or a variable's name. A bare word is text where `words` allows it."""
        sign = self.next().text if self.peek().text in {"-", "+"} else ""
        token = self.next()
        if token.kind == "var" and not sign:
            return token.text.lower()
        if token.up == "NULL" and not sign:
            return Literal(None, SqlType("int"))
        if words and token.kind in {"word", "quoted"} and token.up not in STARTS:
            return Literal(unquote(token.text), SqlType("nvarchar", 128))
        if token.kind not in {"string", "number", "money", "hex"} or (sign and token.kind in {"string", "hex"}):
            raise error(102, token.text)
        value = literal(token)
        return Literal(-value.value, value.type) if sign == "-" else value  # type: ignore[operator]

    def run_to_end(self, *, comma: bool = False) -> list[Token]:
        """The tokens up to the end of this statement (or, with `comma`, to the next comma outside parentheses)."""
        start = self.at
        state = _Run()
        while not self.done and not state.ends_at(self.peek(), comma):
            state.step(self.next())
        if state.depth or self.at == start:
            raise error(102, self.tokens[min(self.at, len(self.tokens) - 1)].text)
        run = list(self.tokens[start : self.at])
        # sqlglot lets a comma stand before nothing.
        for token, after in zip(run, [*run[1:], _END], strict=True):
            if token.text == "," and (after is _END or after.text in {")", ","} or after.up in _AFTER_LIST):
                raise error(102, after.text or ",")
        if len(run) == 1 and run[0].up == "SELECT":
            raise error(102, "SELECT")
        return run


class _Run:
    """Follows a statement token by token to tell where it ends."""

    def __init__(self) -> None:
        self.depth = self.cases = 0
        self.first = ""
        self.before = ""
        self.pending: set[str] = set()

    def ends_at(self, token: Token, comma: bool) -> bool:
        if self.depth:
            return False
        if token.text == ";" or (comma and token.text == "," and not self.cases):
            return True
        if token.text == ")":
            return True
        # MERGE holds the words of other statements and ends with its `;`.
        may_start = token.kind == "word" and token.up in STARTS and bool(self.first) and self.first != "MERGE"
        return may_start and not self._continues(token.up)

    def _continues(self, word: str) -> bool:
        if word in {"END", "ELSE"}:
            return self.cases > 0
        if word == "SELECT" and self.before in _QUERY_JOINS:
            return True
        return word in self.pending

    def step(self, token: Token) -> None:
        word = token.up if token.kind == "word" else token.text
        self.depth += (word == "(") - (word == ")")
        if self.depth < 0:
            raise error(102, ")")
        if token.kind == "word" and not self.depth:
            if not self.first:
                self.first = word
                self.pending = self._allowed(word)
            elif word in self.pending:
                self.pending = self._allowed(word)
            self.cases += (word == "CASE") - (word == "END")
        self.first = self.first or word
        self.before = word

    @staticmethod
    def _allowed(word: str) -> set[str]:
        return {
            "INSERT": {"SELECT"},
            "UPDATE": {"SET"},
            "WITH": {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"},
        }.get(word, set())
