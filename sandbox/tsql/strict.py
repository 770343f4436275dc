"""Nothing of a parsed query is passed over: a part the compiler does not read is refused."""

from sqlglot import exp

from sandbox.tsql.errors import Unsupported

# The parts of each kind of node that the compiler reads. `options` are OPTION(...) hints, which change no result.
_READ: dict[type[exp.Expression], set[str]] = {
    exp.Select: {
        "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_", "into", "options",
    },
    exp.Union: {"this", "expression", "distinct", "order", "limit", "offset", "with_", "options"},
    exp.Except: {"this", "expression", "distinct", "order", "limit", "offset", "with_", "options"},
    exp.Intersect: {"this", "expression", "distinct", "order", "limit", "offset", "with_", "options"},
    exp.Table: {"this", "db", "catalog", "alias", "hints", "joins"},
    exp.Join: {"this", "on", "side", "kind"},
    exp.Lateral: {"this", "alias", "cross_apply"},
    exp.Subquery: {"this", "alias"},
    exp.Values: {"expressions", "alias"},
    exp.Window: {"this", "partition_by", "order", "spec", "over"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.Ordered: {"this", "desc", "nulls_first"},
    exp.Cast: {"this", "to"},
    exp.TryCast: {"this", "to", "safe"},
    exp.Convert: {"this", "expression", "style", "safe"},
    exp.GroupConcat: {"this", "separator"},
    exp.In: {"this", "expressions", "query"},
    exp.Column: {"this", "table", "db", "catalog"},
    exp.Limit: {"expression", "limit_options"},
    exp.Fetch: {"direction", "count", "limit_options"},
    exp.LimitOptions: {"percent", "rows", "with_ties"},
    exp.Distinct: {"expressions"},
    exp.Trim: {"this"},
    exp.Group: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.With: {"expressions", "recursive"},
    exp.Anonymous: {"this", "expressions"},
    exp.OpenJSON: {"this", "path", "expressions"},
}  # fmt: skip


def check(tree: exp.Expression) -> None:
    """Unsupported when the tree holds a part that would be passed over."""
    for node in tree.walk():
        read = _READ.get(type(node))
        if read is None:
            continue
        for name, value in node.args.items():
            if value and name not in read:
                raise Unsupported(f"{name.strip('_')} in {node.sql(dialect='tsql')}")
