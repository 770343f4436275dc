"""Compiles T-SQL conditions: what is true, false or unknown, and so no value."""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from sandbox.tsql.casts import align, as_text, ci
from sandbox.tsql.errors import Unsupported, error
from sandbox.tsql.kinds import UNICODE
from sandbox.tsql.scope import Expr, Scope


class Conditions:
    """The conditions among expressions over `scope`; `value` compiles what they compare."""

    scope: Scope
    _subquery: Callable[[exp.Expression, Scope], Expr]

    def value(self, node: exp.Expression) -> Expr:
        raise NotImplementedError

    def condition(self, node: exp.Expression) -> str:
        maker = CONDITIONS.get(type(node))
        if maker is None:
            raise Unsupported(f"condition {type(node).__name__}: {node.sql(dialect='tsql')}")
        return maker(self, node)

    def _comparison(self, node: exp.Binary) -> str:
        left, right = align(self.value(node.this), self.value(node.expression))
        return f"{ci(left)} {_COMPARISONS[type(node)]} {ci(right)}"

    def _logic(self, node: exp.Binary) -> str:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return f"({self.condition(node.this)} {word} {self.condition(node.expression)})"

    def _not(self, node: exp.Not) -> str:
        return f"NOT ({self.condition(node.this)})"

    def _grouped(self, node: exp.Paren) -> str:
        return f"({self.condition(node.this)})"

    def _is_null(self, node: exp.Is) -> str:
        if not isinstance(node.expression, exp.Null):
            raise error(102, "IS")
        return f"({self.value(node.this).sql}) IS NULL"

    def _like(self, node: exp.Like, escape: exp.Expression | None = None) -> str:
        left, pattern = self.value(node.this), self.value(node.expression)
        sign = "~" if left.exact_case or pattern.exact_case else "~*"
        # The padding of a char(n) column counts unless the pattern is varchar.
        subject = as_text(left) if pattern.type.name in UNICODE else f"rtrim({as_text(left)}, ' ')"
        text = as_text(pattern) if pattern.type.name in UNICODE else f"rtrim({as_text(pattern)}, ' ')"
        marker = as_text(self.value(escape)) if escape is not None else "NULL"
        return f"({subject})::text {sign} tsql.like({text}, {marker})"

    def _escape(self, node: exp.Escape) -> str:
        if isinstance(node.this, exp.Not):
            return f"NOT ({self._like(node.this.this, node.expression)})"
        return self._like(node.this, node.expression)

    def _in(self, node: exp.In) -> str:
        query = node.args.get("query")
        if query is not None:
            inner = self._subquery(query, self.scope)
            left, right = align(self.value(node.this), replace(inner, sql="_in.v", binder=None, citext=False))
            return f"{ci(left)} IN (SELECT {ci(right)} FROM {inner.sql} AS _in(v))"
        subject = self.value(node.this)
        items = [align(replace(subject), self.value(item)) for item in node.expressions]
        if all(ci(left) == ci(items[0][0]) for left, _ in items):
            return f"{ci(items[0][0])} IN ({', '.join(ci(right) for _, right in items)})"
        return "(" + " OR ".join(f"{ci(left)} = {ci(right)}" for left, right in items) + ")"

    def _between(self, node: exp.Between) -> str:
        low = exp.GTE(this=node.this, expression=node.args["low"])
        high = exp.LTE(this=node.this.copy(), expression=node.args["high"])
        return f"({self._comparison(low)} AND {self._comparison(high)})"

    def _exists(self, node: exp.Exists) -> str:
        return f"EXISTS {self._subquery(node.this, self.scope).sql}"


_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}

_C = Conditions
CONDITIONS: dict[type, Callable[[Conditions, exp.Expression], str]] = {
    **dict.fromkeys(_COMPARISONS, _C._comparison),
    exp.And: _C._logic, exp.Or: _C._logic, exp.Not: _C._not, exp.Paren: _C._grouped, exp.Is: _C._is_null, exp.Like: _C._like,
    exp.Escape: _C._escape, exp.In: _C._in, exp.Between: _C._between, exp.Exists: _C._exists,
}  # type: ignore[dict-item]  # fmt: skip
