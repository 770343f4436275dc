"""What must be read of both sides for a mapping, and where changes of it are seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.belonging import Belonging
from sync.convert import MappedField
from sync.expression import Expression
from sync.mapping_checks import parent_key
from sync.mapping_model import DataverseSide, GpSide, Join, PairRules
from sync.places import key_paths


@dataclass(frozen=True)
class Feed:
    """Where changes of a pair's records are seen: `table`, read under `alias` ("" is the pair's own). Its columns
    `parent_key` hold the key of the record that changed; only rows for which every column of `where` holds its
    value count.
    """

    table: str
    alias: str
    parent_key: tuple[str, ...]
    where: dict[str, str]


class GpSource(GpSide):
    """The GP side. `paths` are all the paths whose values `Mapping.convert` and `convert_back` need."""

    paths: tuple[str, ...]


class DataverseTarget(DataverseSide):
    """The Dataverse side. `values` are the attributes whose values a record needs, `select` all to read from it: id, key
    and mark first.
    """

    values: tuple[str, ...]
    select: tuple[str, ...]


def gp_source(gp: GpSide, fields: Sequence[MappedField], asked: Iterable[Expression | None]) -> GpSource:
    """The GP side with what its fields and the conditions `asked` of a record need. Where a row may be written or stand for
    another one, its key is read too.
    """
    paths = dict.fromkeys(path for field in fields for path in _reads_of(field))
    paths |= dict.fromkeys(path for each in asked if each for path in each.paths)
    written = {path.rpartition(".")[0] for field in fields for path in field.writes}
    for alias, join in gp.joins.items():
        columns = [path.partition(".")[2] for path in paths if path.startswith(f"{alias}.")]
        if alias in written or (columns and join.otherwise):
            paths |= dict.fromkeys(key_paths(gp, alias))
        if join.otherwise:
            paths |= dict.fromkeys(columns)
    return GpSource(**dict(gp), paths=tuple(paths))


def dataverse_target(rules: PairRules, fields: Sequence[MappedField], belonging: Belonging) -> DataverseTarget:
    """The Dataverse side with what its fields, its company and the id that GP shall give it need."""
    side, ids = rules.dataverse, rules.ids
    named = [field.name for field in fields]
    named += [path for field in fields for back in field.back.values() for path in back.paths]
    if ids:
        named += Expression(ids.expr).paths if ids.expr else [ids.attribute]
    values = tuple(dict.fromkeys([*named, *belonging.attributes]))
    return DataverseTarget(
        **dict(side), values=values, select=tuple(dict.fromkeys([side.id, side.key, side.mark, *values]))
    )


def reads(gp: GpSource) -> dict[str, tuple[str, ...]]:
    """Columns to read by alias; "" is the pair's own table, key and identity first."""
    columns: dict[str, dict[str, None]] = {"": dict.fromkeys([*gp.key, *filter(None, [gp.identity])])}
    for path in gp.paths:
        alias, _, column = path.rpartition(".")
        columns.setdefault(alias, {})[column] = None
    return {alias: tuple(names) for alias, names in columns.items()}


def feeds(gp: GpSide, read: Iterable[str]) -> list[Feed]:
    """One feed per table that is read, with the way from its row to the parent's key."""
    found = [Feed(gp.table, "", gp.key, {})]
    for alias, join in gp.joins.items():
        key = parent_key(gp, join) if join.feed and alias in read else ()
        if key and not any(_same_feed(feed, join, key) for feed in found):
            found.append(Feed(join.table, alias, key, join.where))
    return found


def _reads_of(field: MappedField) -> tuple[str, ...]:
    return (*field.paths, *(field.when.paths if field.when else ()), *field.writes)


def _same_feed(feed: Feed, join: Join, key: tuple[str, ...]) -> bool:
    return (feed.table, feed.parent_key, feed.where) == (join.table, key, join.where)
