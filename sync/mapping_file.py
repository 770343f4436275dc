"""Reading a pair's YAML file, and a customer's overlay on top, so that every fault can name file and line.

Keys are always text and only `true` and `false` are booleans: GP columns and codes such as `ON`, `NO` or `010` mean
what they say. A key that stands twice is a fault.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from sync.errors import BadSettings

type Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Node:
    """A piece of YAML and where it stands. `value` is a dict or list of nodes, or a plain value."""

    value: Any
    file: str
    line: int


@dataclass(frozen=True)
class MappingFault:
    """One thing wrong in a mapping file: at `where` (the keys down to it), in words."""

    where: Where
    text: str


class _Loader(yaml.CSafeLoader):
    """YAML 1.1's surprises are left out: `on`, `no`, dates, octal and base-60 numbers stay text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^(?:-?(?:0|[1-9][0-9]*))$", "-0123456789"),
    ("float", r"^-?[0-9]+\.[0-9]+$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(str(node.value)))


def read(path: Path) -> Node:
    """The file as a tree of nodes. Raises BadSettings when it can't be read or is no YAML."""
    name = f"{path.parent.name}/{path.name}"
    try:
        loader = _Loader(path.read_text("utf-8"))
        root = loader.get_single_node()
        node = _node(loader, root, name) if root else None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"{path}: can't be read: {error}", code="mapping_invalid") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadSettings(f"{name}, line {line}: {error.problem}", code="mapping_invalid") from error
    except yaml.YAMLError as error:
        raise BadSettings(f"{name}: {error}", code="mapping_invalid") from error
    if node is None or not isinstance(node.value, dict):
        raise BadSettings(f"{name}: holds no mapping of a pair", code="mapping_invalid")
    return node


def overlay(base: Node, over: Node) -> Node:
    """`base` with the overlay's words on top: tables key by key, `fields` by their Dataverse attribute."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        if key == "fields":
            merged[key] = _overlay_fields(merged.get(key), node)
        else:
            merged[key] = overlay(merged[key], node) if key in merged else node
    return Node(merged, base.file, base.line)


def plain(node: Node) -> Any:
    """The tree without the places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def report(root: Node, faults: list[MappingFault]) -> BadSettings:
    """One error for all faults, a line each: file, line, what it is about, what is wrong."""
    return BadSettings("\n".join(_sentence(root, fault) for fault in faults), code="mapping_invalid")


def _node(loader: _Loader, node: yaml.Node, file: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(loader, child, file) for child in node.value], file, line)
    if not isinstance(node, yaml.MappingNode):
        return Node(loader.construct_object(node, deep=True), file, line)
    children: dict[str, Node] = {}
    for key, child in node.value:
        if key.value in children:
            raise BadSettings(
                f"{file}, line {key.start_mark.line + 1}: {key.value} stands twice", code="mapping_invalid"
            )
        built = _node(loader, child, file)
        children[str(key.value)] = Node(built.value, file, key.start_mark.line + 1)
    return Node(children, file, line)


def _overlay_fields(base: Node | None, over: Node) -> Node:
    if base is None or not (isinstance(base.value, list) and isinstance(over.value, list)):
        return over
    merged = {_attribute(node, str(index)): node for index, node in enumerate(base.value)}
    for index, node in enumerate(over.value):
        name = _attribute(node, f"+{index}")
        known = merged.pop(name, None) if _is_removal(node) else merged.get(name)
        if not _is_removal(node):
            merged[name] = _overlay_field(known, node) if known else node
        elif known is None:
            raise BadSettings(
                f"{node.file}, line {node.line}: there is no field {name} to remove", code="mapping_invalid"
            )
    return Node(list(merged.values()), base.file, base.line)


def _overlay_field(base: Node, over: Node) -> Node:
    """A field that names another source forgets the old one and how that was converted."""
    if not over.value.keys() & {"gp", "expr"}:
        return overlay(base, over)
    kept = {key: node for key, node in base.value.items() if key not in {"gp", "expr", "converter", "lookup"}}
    return overlay(Node(kept, over.file, over.line), over)


def _attribute(node: Node, other: str) -> str:
    name = node.value.get("dataverse") if isinstance(node.value, dict) else None
    return str(name.value) if name else other


def _is_removal(node: Node) -> bool:
    return isinstance(node.value, dict) and "remove" in node.value and node.value["remove"].value is True


def _sentence(root: Node, fault: MappingFault) -> str:
    *_, place = _trail(root, fault.where)
    return f"{place.file}, line {place.line}: {_about(root, fault.where)}{fault.text}"


def _trail(root: Node, where: Where) -> Iterator[Node]:
    node = root
    yield node
    for step in where:
        known = isinstance(node.value, dict) and step in node.value
        if not known and not (isinstance(node.value, list) and isinstance(step, int)):
            return
        node = node.value[step]
        yield node


def _about(root: Node, where: Where) -> str:
    """`field telephone1, converter: ` rather than `fields.7.converter`."""
    words = [str(step) for step in where]
    if len(where) > 1 and where[0] == "fields" and isinstance(where[1], int):
        *_, field = _trail(root, where[:2])
        words[:2] = [f"field {_attribute(field, str(where[1] + 1))}"]
    return ", ".join([*([words[0]] if words else []), *([".".join(words[1:])] if words[1:] else [])]) + (
        ": " if words else ""
    )
