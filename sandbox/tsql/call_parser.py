"""Reads EXEC, and the statements whose arguments are constants or variables like those of EXEC."""

from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.lexer import Fragment, Literal, Token, fragment, unquote
from sandbox.tsql.reader import Reader
from sandbox.tsql.statements import Argument, Execute, ExecuteText, Print, Raise, Statement, Throw, Use, WaitFor


class CallParser(Reader):
    """`parameter_names` collects the places where a variable's name is a parameter's."""

    parameter_names: set[int]

    def expression(self, *, condition: bool = False, comma: bool = False) -> Fragment:
        raise NotImplementedError

    def _execute(self, token: Token) -> Statement:
        if self.peek_word("AS"):
            raise Unsupported("EXECUTE AS")
        if self.peek_text("("):
            return ExecuteText(token.line, fragment(self.parenthesised(), self.source))
        result = None
        if self.peek().kind == "var" and self.peek(1).text == "=":
            result = self.variable()
            self.expect("=")
        procedure = self.name()
        arguments: list[Argument] = []
        while not self.at_end():
            arguments.append(self._argument())
            if not self.take(","):
                break
        if not self.at_end():
            raise error(102, self.peek().text)
        return Execute(token.line, procedure, tuple(arguments), result)

    _read_exec = _read_execute = _execute

    def _argument(self) -> Argument:
        name = None
        if self.peek().kind == "var" and self.peek(1).text == "=":
            self.parameter_names.add(self.at)
            name = self.variable()[1:]
            self.expect("=")
        if self.take("DEFAULT"):
            return Argument(name, None)
        value = self.constant_or_variable(words=True)
        output = self.take("OUTPUT") or self.take("OUT")
        return Argument(name, value, output)

    def _read_throw(self, token: Token) -> Statement:
        return Throw(token.line, () if self.at_end() else self._constants())

    def _read_raiserror(self, token: Token) -> Statement:
        self.expect("(")
        arguments = self._constants()
        self.expect(")")
        options = [t.up for t in self.run_to_end()] if self.take("WITH") else []
        return Raise(token.line, arguments, [word for word in options if word != ","])

    def _constants(self) -> list[Literal | str]:
        found = [self.constant_or_variable()]
        while self.take(","):
            found.append(self.constant_or_variable())
        return found

    def _read_print(self, token: Token) -> Statement:
        return Print(token.line, self.expression())

    def _read_use(self, token: Token) -> Statement:
        return Use(token.line, unquote(self.next().text))

    def _read_waitfor(self, token: Token) -> Statement:
        if not self.take("DELAY"):
            raise Unsupported("WAITFOR TIME")
        return WaitFor(token.line, self.constant_or_variable())
