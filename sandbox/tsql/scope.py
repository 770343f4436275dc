"""Names in a query: which relations stand in FROM and what their columns are."""

from dataclasses import dataclass, field

from sandbox.tds.contract import SqlType
from sandbox.tsql.errors import error
from sandbox.tsql.plan import Binder


@dataclass
class Expr:
    """A compiled expression. `binder` is set while it is nothing but one parameter; `citext` says what PostgreSQL sees."""

    sql: str
    type: SqlType
    binder: Binder | None = None
    nullable: bool = True
    null: bool = False
    citext: bool = False
    exact_case: bool = False
    name: str = ""
    identity: bool = False
    aggregate: bool = False


@dataclass
class Relation:
    """Something in FROM: `alias` is how PostgreSQL knows it, `columns` by spelled name."""

    alias: str
    columns: dict[str, Expr]
    lower: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lower = {name.lower(): name for name in self.columns}

    def find(self, name: str) -> Expr | None:
        spelled = self.lower.get(name.lower())
        return self.columns[spelled] if spelled is not None else None


@dataclass
class Scope:
    """The relations a query can name, and those of the queries around it."""

    parent: "Scope | None" = None
    relations: list[Relation] = field(default_factory=list)

    def column(self, name: str, qualifier: str = "") -> Expr:
        """SqlError 207, 209 or 4104 when the name is unknown or means two things."""
        scope: Scope | None = self
        while scope:
            found = scope._find(name, qualifier)
            if found:
                return found
            scope = scope.parent
        raise error(4104, f"{qualifier}.{name}") if qualifier and not self.relation(qualifier) else error(207, name)

    def relation(self, qualifier: str) -> Relation | None:
        scope: Scope | None = self
        while scope:
            for relation in scope.relations:
                if relation.alias.lower() == qualifier.lower():
                    return relation
            scope = scope.parent
        return None

    def _find(self, name: str, qualifier: str) -> Expr | None:
        matches = [r for r in self.relations if not qualifier or r.alias.lower() == qualifier.lower()]
        found = [column for column in (r.find(name) for r in matches) if column]
        if len(found) > 1:
            raise error(209, name)
        return found[0] if found else None
