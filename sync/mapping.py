"""A pair's mapping: which GP columns make which Dataverse attributes, and how.

Made from `mappings/<pair>.yaml` and, if there is one, a customer's overlay of the same name. The file's words are in
`docs/reference/mapping.md`; whatever is wrong in it is told at start, with file, line and field.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from sync import gp_limits
from sync.belonging import Belonging
from sync.convert import Converted, Halves, MappedField, Problem, Table, convert, gp_half, holds
from sync.convert_back import BackHalves, Returned, convert_back, together
from sync.errors import BadSettings, Rejected
from sync.expression import Expression
from sync.fault import Fault
from sync.ids import candidates
from sync.keys import canonical, join_key, split_key
from sync.mapping_checks import check_matching, check_sides, resolve, target
from sync.mapping_faults import model_faults
from sync.mapping_fields import build_fields
from sync.mapping_file import MappingFault, Node, overlay, plain, read, report
from sync.mapping_model import Column, FieldRule, Ids, Join, MatchRule, PairRules, Parent, Plain, Policy, Side
from sync.mapping_parents import check_parents
from sync.mapping_reads import DataverseTarget, Feed, GpSource, dataverse_target, feeds, gp_source, reads
from sync.places import Present, home, key_paths
from sync.schema import Attribute, did_you_mean
from sync.value import Value

__all__ = [
    "BackHalves",
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
    "Returned",
    "load_all",
    "load_mapping",
]


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
        return gp_source(self.rules.gp, self.fields, [self._gp_scope, self._link_when])

    @cached_property
    def dataverse(self) -> DataverseTarget:
        return dataverse_target(self.rules, self.fields, self._belonging)

    @cached_property
    def reads(self) -> dict[str, tuple[str, ...]]:
        """Columns to read by alias; "" is the pair's own table, key and identity first."""
        return reads(self.gp)

    def feeds(self) -> list[Feed]:
        """One feed per table the mapping reads, with the way from its row to the parent's key."""
        return feeds(self.rules.gp, self.reads)

    @property
    def on_delete(self) -> Policy:
        """What becomes of the account when the customer is deleted in GP."""
        return self.rules.on_delete.gp

    def on_delete_of(self, side: Side) -> Policy:
        """What becomes of a record when its counterpart on that side is deleted."""
        return self.rules.on_delete.gp if side == "gp" else self.rules.on_delete.d365

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

    def gp_halves(self, gp_values: Lookup[str, Value]) -> dict[str, Value]:
        """GP's half of every field by attribute, also of one whose value can't be converted. Never raises."""
        values = self._with_main(dict.fromkeys(self.gp.paths) | dict(gp_values))
        return {field.name: gp_half(field, values) for field in self.fields}

    def convert_back(
        self,
        d365_values: Lookup[str, Value],
        lookups: Lookup[str, Table],
        gp_values: Lookup[str, Value] | None,
    ) -> Returned:
        """What GP gets for a Dataverse record, and all its problems. Never raises.

        `d365_values`: by attribute, amounts as Decimal. `gp_values`: what GP holds of it, as for `convert`; None for a
        record that it doesn't hold. What GP holds of a field is left as it is where it means the same.
        """
        present = self._present(gp_values)
        returned = convert_back(self._returning, d365_values, lookups, present)
        found = {
            name: replace(halves, columns=self._home(halves.columns, present))
            for name, halves in returned.fields.items()
        }
        return replace(returned, fields=found)

    def columns(
        self, names: Collection[str], returned: Returned, gp_values: Lookup[str, Value] | None
    ) -> dict[str, Value]:
        """What is written to GP for these fields of a record together, by path; `returned` and `gp_values` as above.

        Raises Rejected (`value_too_long`) when a list that several fields share would not fit.
        """
        present = self._present(gp_values)
        chosen = [field for field in self._returning if field.name in names]
        return self._home(together(chosen, returned, present.values), present)

    def _home(self, columns: Lookup[str, Value], present: Present) -> dict[str, Value]:
        return {home(self.rules.gp, path, present): value for path, value in columns.items()}

    @cached_property
    def _from_gp(self) -> tuple[MappedField, ...]:
        return tuple(field for field in self.fields if field.side != "d365")

    @cached_property
    def _returning(self) -> tuple[MappedField, ...]:
        return tuple(field for field in self.fields if field.returns)

    def _present(self, gp_values: Lookup[str, Value] | None) -> Present:
        if gp_values is None:
            return self._nothing
        return Present(self._with_main(dict.fromkeys(self.gp.paths) | dict(gp_values)), new=False)

    @cached_property
    def _nothing(self) -> Present:
        kinds = {path: resolve(self.rules.gp, path).kind for path in self.gp.paths}
        return Present({path: gp_limits.blank(kind) for path, kind in kinds.items()}, new=True)

    def _with_main(self, values: Lookup[str, Value]) -> Lookup[str, Value]:
        """The values, where a missing joined row is replaced by the same columns of the pair's own table."""
        filled = dict(values)
        for alias, join in self.rules.gp.joins.items():
            missing = key_paths(self.rules.gp, alias)[0]
            if join.otherwise and alias in self.reads and values[missing] is None:
                own = {f"{alias}.{column}": values[column] for column in self.reads[alias] if column in values}
                filled |= own | {missing: None}
        return filled

    @cached_property
    def _belonging(self) -> Belonging:
        side = self.rules.dataverse
        scope, company = (Expression(text) if text else None for text in (self.rules.scope, self.rules.company))
        parent = self.parent.attribute if self.parent else ""
        return Belonging(side.entity, side.key, scope, company, parent)

    @property
    def names_itself(self) -> bool:
        """Whether a new record's id says who it is, rather than how many have its name."""
        return self.rules.ids is not None and self.rules.ids.by != "name"

    @property
    def parent(self) -> Parent | None:
        """The record that one belongs to, where it belongs to any."""
        return self.rules.parent

    def parent_key(self, key: str) -> str:
        """The key of the record that one belongs to, by its own; blank in a pair without a parent."""
        parts = dict(zip(self.rules.gp.key, split_key(key, len(self.rules.gp.key)), strict=True))
        return join_key([parts[column] for column in self.parent.gp]) if self.parent else ""

    @cached_property
    def _gp_scope(self) -> Expression | None:
        return Expression(self.rules.gp.scope) if self.rules.gp.scope else None

    def takes_part(self, gp_values: Lookup[str, Value]) -> bool:
        """Whether a GP record takes part. Raises Rejected (`value_invalid`) when that can't be told."""
        return self._gp_scope is None or self._holds(self._gp_scope, gp_values)

    @property
    def link(self) -> str:
        """What a base calls the reference of its parent to a record; blank in a pair without one."""
        parent = self.parent
        return f"{parent.entity}.{parent.link.dataverse}" if parent and parent.link else ""

    def is_linked(self, gp_values: Lookup[str, Value]) -> bool:
        """Whether its parent is to refer to a GP record. Raises Rejected (`value_invalid`) when that can't be told."""
        return self._link_when is not None and self._holds(self._link_when, gp_values)

    @cached_property
    def _link_when(self) -> Expression | None:
        parent = self.parent
        return Expression(parent.link.when) if parent and parent.link else None

    def _holds(self, condition: Expression, gp_values: Lookup[str, Value]) -> bool:
        try:
            return holds(condition, gp_values)
        except Fault as fault:
            entity = self.rules.gp.entity
            raise Rejected(f"Its {entity} {fault.text}.", code=fault.code, system="gp", entity=entity) from fault

    @property
    def routing(self) -> tuple[str, ...]:
        """The Dataverse attributes that `in_scope` and `company_of` need."""
        return self._belonging.attributes

    def in_scope(self, d365_values: Lookup[str, Value]) -> bool:
        """Whether a Dataverse record takes part. Raises Rejected (`value_invalid`) when that can't be told."""
        return self._belonging.in_scope(d365_values)

    def company_of(self, d365_values: Lookup[str, Value], companies: Sequence[str]) -> str:
        """The company of a Dataverse record, out of these. Raises Rejected: `company_unknown`, `company_ambiguous`."""
        return self._belonging.company_of(d365_values, companies)

    def may_be_of(self, d365_values: Lookup[str, Value], company: str) -> bool:
        """Whether a Dataverse record without a key may be this company's, as far as the pair says."""
        return self._belonging.may_be_of(d365_values, company)

    def ids(self, d365_values: Lookup[str, Value], parent: str = "") -> Iterator[str]:
        """The keys that GP may give a new record, best first, without an end; `parent` is the key of the one that it belongs
        to. Raises Rejected when it can get none.
        """
        found = candidates(self.rules.ids or Ids(), d365_values, otherwise=self.rules.gp.entity)
        above = self.parent.gp if self.parent else ()
        known = dict(zip(above, split_key(parent, len(above)), strict=True)) if above else {}
        return (join_key([known.get(column, id_) for column in self.rules.gp.key]) for id_ in found)


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
        raise report(root, model_faults(error)) from error
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
    check_parents({mapping.pair: mapping.rules for mapping in mappings})
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


def _unread(path: str) -> Problem:
    return Problem("source_unreadable", "", path, f"{path} was not read from GP")
