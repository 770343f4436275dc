"""Compiles T-SQL expressions and conditions to typed PostgreSQL."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from sandbox.tds.contract import SqlType
from sandbox.tsql.arithmetic import concatenate, reckon, replace_name
from sandbox.tsql.casts import as_text, cast, ci, common_type
from sandbox.tsql.compilation import Compilation, parameter_name
from sandbox.tsql.conditions import CONDITIONS, Conditions
from sandbox.tsql.dialect import declared_type
from sandbox.tsql.errors import UnknownFunction, Unsupported, error
from sandbox.tsql.kinds import INT, UNICODE, family, is_number, postgres_type
from sandbox.tsql.plan import Binder
from sandbox.tsql.scope import Expr, Scope


class Expressions(Conditions):
    """Expressions over a scope. `queries` compiles the queries inside them."""

    def __init__(
        self, compilation: Compilation, scope: Scope, subquery: "Callable[[exp.Expression, Scope], Expr]"
    ) -> None:
        self.c = compilation
        self.scope = scope
        self._subquery = subquery

    def value(self, node: exp.Expression) -> Expr:
        maker = _VALUES.get(type(node))
        if maker is None:
            if type(node) in CONDITIONS:
                raise error(102, node.sql(dialect="tsql").split(" ")[-1][:30])
            raise Unsupported(f"{type(node).__name__}: {node.sql(dialect='tsql')}")
        return maker(self, node)

    def values(self, nodes: Sequence[exp.Expression]) -> list[Expr]:
        return [self.value(node) for node in nodes]

    # Values -------------------------------------------------------------------------------------

    def _parameter(self, node: exp.Parameter) -> Expr:
        name = parameter_name(node)
        if name.startswith("@__p"):
            slot = int(name[4:])
            return self.c.bind(Binder(slot, self.c.literals[slot].type))
        if name.startswith("@@"):
            return self._global(name)
        if name not in self.c.variables:
            raise error(137, name)
        return self.c.bind(Binder(name, self.c.variables[name]))

    def _global(self, name: str) -> Expr:
        from sandbox.tsql.functions import GLOBALS

        if name not in GLOBALS:
            raise Unsupported(name)
        return self.c.system(name, GLOBALS[name])

    def _literal(self, node: exp.Literal) -> Expr:
        if node.is_string:
            text = str(node.this).replace("'", "''")
            return Expr(f"'{text}'::text", SqlType("varchar", max(len(node.this), 1)), nullable=False)
        return Expr(
            str(node.this), INT if "." not in node.this else SqlType("numeric", precision=18, scale=6), nullable=False
        )

    def _national(self, node: exp.National) -> Expr:
        text = str(node.this).replace("'", "''")
        return Expr(f"'{text}'::text", SqlType("nvarchar", max(len(str(node.this)), 1)), nullable=False)

    def _null(self, _: exp.Null) -> Expr:
        return Expr("NULL", INT, null=True)

    def _column(self, node: exp.Column) -> Expr:
        if not node.table and not node.this.args.get("quoted"):
            from sandbox.tsql.functions import BARE, FUNCTIONS

            bare = BARE.get(node.name.upper())
            if bare:
                return FUNCTIONS[bare](self, ())
        return self.scope.column(node.name, node.table)

    def _paren(self, node: exp.Paren) -> Expr:
        inner = self.value(node.this)
        return inner if inner.binder or inner.null else replace(inner, sql=f"({inner.sql})")

    def _negative(self, node: exp.Neg) -> Expr:
        inner = self.value(node.this)
        if inner.type.name == "tinyint":
            inner = cast(inner, SqlType("smallint"))
        return Expr(f"(- {inner.sql})", inner.type, nullable=inner.nullable)

    def _inverse(self, node: exp.BitwiseNot) -> Expr:
        inner = self.value(node.this)
        return Expr(f"(~ {inner.sql})", inner.type, nullable=inner.nullable)

    def _case(self, node: exp.Case) -> Expr:
        branches = [
            (self._when(node.this, branch.this), self.value(branch.args["true"])) for branch in node.args["ifs"]
        ]
        default = node.args.get("default")
        results = [result for _, result in branches] + ([self.value(default)] if default else [])
        kind = self._common(results)
        casted = [cast(result, kind).sql for result in results]
        tests = " ".join(f"WHEN {test} THEN {sql}" for (test, _), sql in zip(branches, casted, strict=False))
        return Expr(f"CASE {tests} {'ELSE ' + casted[-1] if default else ''} END", kind)

    def _when(self, subject: exp.Expression | None, test: exp.Expression) -> str:
        return self.condition(exp.EQ(this=subject.copy(), expression=test.copy())) if subject else self.condition(test)

    def _common(self, results: Sequence[Expr]) -> SqlType:
        kinds = [result.type for result in results if not result.null]
        return common_type(kinds) if kinds else INT

    def _cast(self, node: exp.Cast) -> Expr:
        return cast(self.value(node.this), declared_type(node.args["to"]))

    def _try_cast(self, node: exp.TryCast) -> Expr:
        return self._try(self.value(node.this), declared_type(node.args["to"]))

    def _convert(self, node: exp.Convert) -> Expr:
        kind = declared_type(node.this)
        style = node.args.get("style")
        number = self.c.pin(style) if style is not None else 0
        value = self.value(node.expression)
        if node.args.get("safe"):
            return self._try(value, kind)
        if family(value.type) == "moment" and family(kind) == "text" and number not in _STYLES:
            raise Unsupported(f"CONVERT style {number}")
        if (
            number
            and family(value.type) == "text"
            and family(kind) in {"moment", "binary"}
            and number not in {0, 112, 120, 121, 126, 101, 23}
        ):
            raise Unsupported(f"CONVERT style {number}")
        return cast(value, kind, int(number))  # type: ignore[call-overload]

    def _try(self, value: Expr, kind: SqlType) -> Expr:
        if family(value.type) != "text" or family(kind) == "text":
            return cast(value, kind)
        name = {"integer": "int", "bit": "int"}.get(family(kind), family(kind))
        if name not in {"int", "exact", "float", "moment", "uuid"}:
            raise Unsupported(f"TRY_CONVERT to {kind.name}")
        test = f"tsql.can_{name}({as_text(value)}, '{kind.name}')"
        return Expr(f"CASE WHEN {test} THEN {cast(replace(value, binder=None), kind).sql} END", kind)

    def _collate(self, node: exp.Collate) -> Expr:
        inner = self.value(node.this)
        name = str(node.expression.name).upper()
        if not any(part in name for part in ("_BIN", "_CS_AS", "_CI_AS", "DATABASE_DEFAULT")):
            raise Unsupported(f"COLLATE {name}")
        return replace(inner, exact_case="_BIN" in name or "_CS_AS" in name)

    def _function(self, node: exp.Anonymous) -> Expr:
        from sandbox.tsql.functions import FUNCTIONS

        maker = FUNCTIONS.get(str(node.this).upper())
        if maker is None:
            raise UnknownFunction(str(node.this))
        return maker(self, node.expressions)

    def _dotted(self, node: exp.Dot) -> Expr:
        raise error(4104, node.sql(dialect="tsql"))

    def _string_agg(self, node: exp.GroupConcat) -> Expr:
        inner, order = node.this, ""
        if isinstance(inner, exp.Order):
            order = " ORDER BY " + ", ".join(self.ordered(item) for item in inner.expressions)
            inner = inner.this
        value, separator = self.value(inner), self.value(node.args["separator"])
        kind = SqlType(
            "nvarchar" if value.type.name in UNICODE else "varchar", 4000 if value.type.name in UNICODE else 8000
        )
        return Expr(f"string_agg({as_text(value)}, {as_text(separator)}{order})", kind, aggregate=True)

    def ordered(self, node: exp.Ordered) -> str:
        return self.order(self.value(node.this), bool(node.args.get("desc")))

    @staticmethod
    def order(value: Expr, desc: bool) -> str:
        # NULL is the smallest value in SQL Server; where it can't occur the plain form can use an index.
        nulls = (" NULLS LAST" if desc else " NULLS FIRST") if value.nullable else ""
        return f"{ci(value)}{' DESC' if desc else ''}{nulls}"

    def _window(self, node: exp.Window) -> Expr:
        inner = self.value(node.this)
        parts = []
        if node.args.get("partition_by"):
            parts.append("PARTITION BY " + ", ".join(ci(self.value(part)) for part in node.args["partition_by"]))
        if node.args.get("order"):
            parts.append("ORDER BY " + ", ".join(self.ordered(item) for item in node.args["order"].expressions))
        spec = node.args.get("spec")
        if spec:
            start = f"{spec.args['start']} {spec.args.get('start_side') or ''}"
            end = f"{spec.args.get('end') or 'CURRENT ROW'} {spec.args.get('end_side') or ''}"
            parts.append(f"{spec.args['kind']} BETWEEN {start} AND {end}")
        call, _, conversion = inner.sql.partition("\x01")
        return Expr(f"({call} OVER ({' '.join(parts)})){conversion}", inner.type)

    def _query_value(self, node: exp.Expression) -> Expr:
        return self._subquery(node, self.scope)

    def _trim(self, node: exp.Trim) -> Expr:
        value = self.value(node.this)
        return Expr(f"btrim({as_text(value)}, ' ')", replace_name(value.type))

    def _hex(self, node: exp.HexString) -> Expr:
        return Expr(f"'\\x{node.this}'::bytea", SqlType("varbinary", max(1, len(str(node.this)) // 2)), nullable=False)

    # Arithmetic ---------------------------------------------------------------------------------

    def _arithmetic(self, node: exp.Binary) -> Expr:
        sign = _SIGNS[type(node)]
        left, right = self.value(node.this), self.value(node.expression)
        if left.null or right.null:
            kind = right.type if left.null else left.type
            return Expr(f"NULL::{postgres_type(kind)}", kind, null=True)
        kinds = {family(left.type), family(right.type)}
        if sign == "+" and kinds == {"text"}:
            return concatenate(left, right)
        if "moment" in kinds:
            return self._moment_arithmetic(sign, left, right)
        if "text" in kinds:
            number = left if family(right.type) == "text" else right
            if family(number.type) == "text" or not is_number(number.type):
                raise error(402, left.type.name, right.type.name, {"+": "add", "-": "subtract"}.get(sign, sign))
            left, right = (cast(side, number.type) if family(side.type) == "text" else side for side in (left, right))
        return reckon(sign, left, right)

    def _moment_arithmetic(self, sign: str, left: Expr, right: Expr) -> Expr:
        if sign not in {"+", "-"} or not {left.type.name, right.type.name} & {"datetime", "smalldatetime"}:
            raise error(402, left.type.name, right.type.name, {"+": "add", "-": "subtract"}.get(sign, sign))
        if family(left.type) == "moment" and is_number(right.type):
            return Expr(f"tsql.to_datetime({left.sql} {sign} ({right.sql})::float8 * interval '1 day')", left.type)
        if sign == "+" and is_number(left.type):
            return Expr(f"tsql.to_datetime({right.sql} + ({left.sql})::float8 * interval '1 day')", right.type)
        raise Unsupported("arithmetic between two dates")


_STYLES = {0, 8, 20, 21, 23, 25, 100, 101, 102, 103, 104, 108, 112, 120, 121, 126}
_SIGNS = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "#",
}

_E = Expressions
_VALUES: dict[type, Callable[[Expressions, exp.Expression], Expr]] = {
    exp.Parameter: _E._parameter, exp.Literal: _E._literal, exp.National: _E._national, exp.Null: _E._null, exp.Column: _E._column,
    exp.Paren: _E._paren, exp.Neg: _E._negative, exp.Case: _E._case, exp.Cast: _E._cast, exp.TryCast: _E._try_cast,
    exp.Convert: _E._convert, exp.Collate: _E._collate, exp.Anonymous: _E._function, exp.Dot: _E._dotted,
    exp.GroupConcat: _E._string_agg, exp.Window: _E._window, exp.Subquery: _E._query_value, exp.Select: _E._query_value,
    exp.BitwiseNot: _E._inverse, exp.Trim: _E._trim, exp.HexString: _E._hex,
    **dict.fromkeys(_SIGNS, _E._arithmetic),
}  # type: ignore[dict-item]  # fmt: skip
