"""`$filter` and `$select` on metadata, which takes only comparisons for equality."""

from sandbox.dataverse import errors
from sandbox.dataverse.grammar import Compare, Logic, Node, Not, Path, parse_filter
from sandbox.dataverse.literals import Literal
from sandbox.dataverse.odata import split_outside

Json = dict[str, object]


def matches(item: Json, text: str | None) -> bool:
    """Whether a definition meets a `$filter`. Raises DataverseError 0x80060888 for more than `eq` and `ne`."""
    return text is None or _holds(item, parse_filter(text, {}))


def _holds(item: Json, node: Node) -> bool:
    match node:
        case Logic(op="and"):
            return all(_holds(item, part) for part in node.items)
        case Logic():
            return any(_holds(item, part) for part in node.items)
        case Not():
            return not _holds(item, node.item)
        case Compare(op="eq" | "ne", left=Path() as path, right=Literal() as literal):
            return (_value(item, path) == literal.value) == (node.op == "eq")
    error = errors.bad_query("Metadata queries take only eq and ne in $filter.")
    raise errors.Unsupported("metadata filter", type(node).__name__, error)


def _value(item: Json, path: Path) -> object:
    value: object = item
    for part in path.parts:
        if not isinstance(value, dict) or part not in value:
            raise errors.unknown_property(part, "EntityMetadata")
        value = value[part]
    return value


def only(item: Json, select: str | None, kind: str) -> Json:
    """A definition with the selected properties. Raises DataverseError 0x80060888 for an unknown one."""
    if select is None:
        return dict(item)
    names = split_outside(select, ",")
    for name in names:
        if name not in item:
            raise errors.unknown_property(name, kind)
    return {name: item[name] for name in names}
