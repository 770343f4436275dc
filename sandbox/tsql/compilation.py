"""What compiling one statement keeps at hand: literals, variables, parameters made, rights and locks needed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.errors import Unsupported
from sandbox.tsql.kinds import postgres_type
from sandbox.tsql.lexer import Literal
from sandbox.tsql.locks import Lock
from sandbox.tsql.plan import Binder, Need
from sandbox.tsql.scope import Expr

if TYPE_CHECKING:
    from sandbox.tsql.world import World


class Compilation:
    """The state of compiling one statement: the literals and variables it may use, and what it was found to need."""

    def __init__(self, world: "World", literals: Sequence[Literal], variables: Mapping[str, SqlType]) -> None:
        self.world = world
        self.literals = literals
        self.variables = variables
        self.binders: list[Binder] = []
        self.needs: set[Need] = set()
        self.pinned: dict[int, object] = {}
        self.locks: list[Lock] = []
        self._aliases = 0

    def alias(self) -> str:
        self._aliases += 1
        return f"_{self._aliases}"

    def bind(self, binder: Binder) -> Expr:
        """A parameter as an expression of its own type."""
        self.binders.append(binder)
        mark = f"\x00{len(self.binders) - 1}\x00::{postgres_type(binder.type)}"
        return Expr(mark, binder.type, binder)

    def system(self, name: str, kind: SqlType, *arguments: Expr) -> Expr:
        """A value the session supplies when the statement runs."""
        if not all(argument.binder for argument in arguments):
            raise Unsupported(f"{name} of a column or expression")
        return self.bind(Binder((name, tuple(a.binder for a in arguments if a.binder)), kind))

    def pin(self, node: exp.Expression) -> object:
        """The value of a literal that is part of the statement's meaning, not only of its data."""
        if isinstance(node, exp.Paren):
            return self.pin(node.this)
        if isinstance(node, exp.Neg):
            return -self.pin(node.this)  # type: ignore[operator]
        if isinstance(node, exp.Literal):
            return node.this if node.is_string else int(node.this)
        name = parameter_name(node)
        if not name.startswith("@__p"):
            raise Unsupported(f"a variable where a constant is read: {node.sql(dialect='tsql')}")
        slot = int(name[4:])
        self.pinned[slot] = self.literals[slot].value
        return self.literals[slot].value


def parameter_name(node: exp.Expression) -> str:
    """`@x` or `@@X` of a parameter node, in lower case; '' for another node."""
    if not isinstance(node, exp.Parameter):
        return ""
    inner = node.this
    return "@" + (
        parameter_name(inner)
        if isinstance(inner, exp.Parameter)
        else str(inner.name if hasattr(inner, "name") else inner).lower()
    )


def bare_name(node: exp.Expression) -> str:
    """A name written without qualifier, such as a date part; '' for anything else."""
    if isinstance(node, exp.Column) and not node.table:
        return str(node.name)
    return str(node.name) if isinstance(node, exp.Var) else ""
