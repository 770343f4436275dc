"""A pair's mapping: which GP columns make which Dataverse attributes, and how.

Made from `mappings/<pair>.yaml` and, if there is one, a customer's overlay of the same name. The file's words are in
`docs/reference/mapping.md`; whatever is wrong in it is told at start, with file, line and field.
"""

from collections.abc import Mapping as Lookup
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from sync.convert import Converted, Halves, MappedField, Problem, Table, convert
from sync.errors import BadSettings
from sync.keys import canonical
from sync.mapping_checks import check_matching, check_sides, parent_key, target
from sync.mapping_fields import build_fields
from sync.mapping_file import MappingFault, Node, overlay, plain, read, report
from sync.mapping_model import Brake, Column, DataverseSide, FieldRule, GpSide, Join, MatchRule, PairRules, Plain
from sync.schema import Attribute, did_you_mean
from sync.value import Value

__all__ = [
    "Column",
    "Converted",
    "DataverseTarget",
    "Feed",
    "FieldRule",
    "GpSource",
    "Halves",
    "Join",
    "MappedField",
    "Mapping",
    "MatchRule",
    "Problem",
    "load_all",
    "load_mapping",
]


@dataclass(frozen=True)
class Feed:
    """Where changes of a pair's records are seen: `table`, read under `alias` ("" is the pair's own). Its column
    `parent_key` holds the key of the record that changed; only rows for which every column of `where` holds its
    value count.
    """

    table: str
    alias: str
    parent_key: str
    where: dict[str, str]


class GpSource(GpSide):
    """The GP side. `paths` are all the paths whose values `Mapping.convert` needs."""

    paths: tuple[str, ...]


class DataverseTarget(DataverseSide):
    """The Dataverse side. `select` are the attributes to read from a record, id, key and mark first."""

    select: tuple[str, ...]


@dataclass(frozen=True)
class Mapping:
    """`rules` is the whole file, checked. `fields` stand in its order."""

    rules: PairRules
    fields: tuple[MappedField, ...]

    @property
    def pair(self) -> str:
        return self.rules.pair

    @cached_property
    def gp(self) -> GpSource:
        paths = dict.fromkeys(path for field in self.fields for path in _reads_of(field))
        for alias, join in self.rules.gp.joins.items():
            if join.otherwise:
                columns = [path.partition(".")[2] for path in paths if path.startswith(f"{alias}.")]
                paths |= dict.fromkeys([_presence(alias, join), *columns] if columns else [])
        return GpSource(**dict(self.rules.gp), paths=tuple(paths))

    @cached_property
    def dataverse(self) -> DataverseTarget:
        side = self.rules.dataverse
        return DataverseTarget(**dict(side), select=(side.id, side.key, side.mark, *self.attributes))

    @cached_property
    def reads(self) -> dict[str, tuple[str, ...]]:
        """Columns to read by alias; "" is the pair's own table, key and identity first."""
        columns: dict[str, dict[str, None]] = {"": dict.fromkeys([self.rules.gp.key, self.rules.gp.identity])}
        for path in self.gp.paths:
            alias, _, column = path.rpartition(".")
            columns.setdefault(alias, {})[column] = None
        return {alias: tuple(names) for alias, names in columns.items()}

    def feeds(self) -> list[Feed]:
        """One feed per table the mapping reads, with the way from its row to the parent's key."""
        gp = self.rules.gp
        feeds = [Feed(gp.table, "", gp.key, {})]
        for alias, join in gp.joins.items():
            key = parent_key(gp, join) if join.feed and alias in self.reads else None
            if key and not any(_same_feed(feed, join, key) for feed in feeds):
                feeds.append(Feed(join.table, alias, key, join.where))
        return feeds

    @property
    def on_delete(self) -> Literal["park", "deactivate", "ignore"]:
        """What becomes of the account when the customer is deleted in GP."""
        return self.rules.on_delete

    @property
    def match(self) -> tuple[MatchRule, ...]:
        """How a record without our key is found in Dataverse, in this order."""
        return self.rules.match

    @property
    def lookups(self) -> dict[str, dict[str, Plain]]:
        """The file's own look-up tables: name -> canonical code -> value."""
        tables = self.rules.lookups.items()
        return {name: {canonical(code): value for code, value in table.items()} for name, table in tables}

    @cached_property
    def fields_by_name(self) -> dict[str, MappedField]:
        """The fields by the Dataverse attribute they fill."""
        return {field.name: field for field in self.fields}

    @property
    def attributes(self) -> tuple[str, ...]:
        """The Dataverse attributes that are filled."""
        return tuple(self.fields_by_name)

    def field(self, attribute: str) -> MappedField:
        """The field that fills a Dataverse attribute. Raises KeyError."""
        return self.fields_by_name[attribute]

    def attribute(self, name: str) -> Attribute:
        """A column of the Dataverse side, our own ones included. Raises `sync.schema.UnknownName`."""
        return target(self.rules.dataverse, name)

    def convert(self, values: Lookup[str, Value], lookups: Lookup[str, Table]) -> Converted:
        """What Dataverse gets for a GP record, and all its problems. Never raises.

        `values`: by path (`gp.paths`), text without trailing blanks, no date as None, amounts as Decimal; every path
        of a joined row that doesn't exist is None. `lookups`: look-up tables kept as data, by name, then by
        canonical code; they win over the file's.
        """
        unread = [path for path in self.gp.paths if path not in values]
        if unread:
            return Converted({}, [_unread(path) for path in unread])
        return convert(self._from_gp, self._with_main(values), lookups)

    @cached_property
    def _from_gp(self) -> tuple[MappedField, ...]:
        return tuple(field for field in self.fields if field.side != "d365")

    def _with_main(self, values: Lookup[str, Value]) -> Lookup[str, Value]:
        """The values, where a missing joined row is replaced by the same columns of the pair's own table."""
        filled = dict(values)
        for alias, join in self.rules.gp.joins.items():
            if join.otherwise and alias in self.reads and values[_presence(alias, join)] is None:
                filled |= {f"{alias}.{column}": values[column] for column in self.reads[alias] if column in values}
        return filled


def load_mapping(path: Path, overlay_path: Path | None = None) -> Mapping:
    """The mapping in a file, with a customer's overlay on top. Raises BadSettings (`mapping_invalid`) naming every
    fault with file, line and field.
    """
    root = read(path)
    if overlay_path:
        root = overlay(root, read(overlay_path))
    try:
        rules = PairRules.model_validate(plain(root))
    except ValidationError as error:
        raise report(root, _model_faults(error)) from error
    return _checked(root, rules, path)


def load_all(folder: Path, overlay_folder: Path | None = None) -> dict[str, Mapping]:
    """Every mapping of a folder by pair. An overlay for a pair that isn't there is refused, not ignored."""
    paths = {path.name: path for path in sorted(folder.glob("*.yaml"))}
    overlays = {path.name: path for path in sorted(overlay_folder.glob("*.yaml"))} if overlay_folder else {}
    for name in overlays.keys() - paths.keys():
        raise BadSettings(
            f"{name}: there is no mapping it could change{did_you_mean(name, paths)}", code="mapping_invalid"
        )
    mappings = [load_mapping(path, overlays.get(name)) for name, path in paths.items()]
    return {mapping.pair: mapping for mapping in mappings}


def _checked(root: Node, rules: PairRules, path: Path) -> Mapping:
    faults = check_sides(rules)
    if rules.pair != path.stem:
        faults.append(MappingFault(("pair",), f"the file of pair {rules.pair} must be called {rules.pair}.yaml"))
    if faults:
        raise report(root, faults)
    fields, faults = build_fields(rules)
    faults = faults or list(check_matching(rules, fields))
    if faults:
        raise report(root, faults)
    return Mapping(rules, tuple(fields))


def _reads_of(field: MappedField) -> tuple[str, ...]:
    return (*field.paths, *(field.when.paths if field.when else ()))


def _presence(alias: str, join: Join) -> str:
    """A path that is None only when the joined row doesn't exist: a key column is never empty in a row."""
    return f"{alias}.{next(iter(join.on))}"


def _same_feed(feed: Feed, join: Join, key: str) -> bool:
    return (feed.table, feed.parent_key, feed.where) == (join.table, key, join.where)


def _unread(path: str) -> Problem:
    return Problem("source_unreadable", "", path, f"{path} was not read from GP")


def _model_faults(error: ValidationError) -> list[MappingFault]:
    return [_model_fault(each["loc"], each["type"], each["msg"]) for each in error.errors()]


def _model_fault(where: tuple[str | int, ...], kind: str, text: str) -> MappingFault:
    if kind == "extra_forbidden":
        return MappingFault(where, f"this word is unknown{did_you_mean(str(where[-1]), _WORDS)}")
    return MappingFault(where, text.removeprefix("Value error, "))


_WORDS = frozenset(
    field.alias or name
    for model in (PairRules, Brake, GpSide, Join, DataverseSide, Column, MatchRule, FieldRule)
    for name, field in model.model_fields.items()
)
