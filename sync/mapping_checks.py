"""What can be wrong with a pair's two sides and its look-ups, before any record is read."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sync import schema
from sync.convert import MappedField
from sync.expression import Expression
from sync.ids import LENGTH
from sync.mapping_file import MappingFault, Where
from sync.mapping_model import Column, DataverseSide, GpSide, Ids, Join, Link, PairRules, Parent
from sync.schema import Attribute, GpColumn, Parameter, UnknownName, did_you_mean

_OWN_PREFIX = "gp365_"
_STATE = "statecode"
_CUSTOMERS = frozenset({"account", "contact"})
_REFERENCES = frozenset({"Lookup", "Customer", "Owner", "PartyList", "Image"})


def check_sides(rules: PairRules) -> list[MappingFault]:
    """Every fault of the sections `gp` and `dataverse`, and of what is said about a Dataverse record as a whole."""
    faults = [*_check_gp(rules.gp), *_check_dataverse(rules.dataverse)]
    if faults:
        return faults
    faults = [*_check_belonging(rules), *(_check_ids(rules.dataverse, rules.ids) if rules.ids else [])]
    return [*faults, *_check_policies(rules), *(_check_parent(rules, rules.parent) if rules.parent else [])]


def check_matching(rules: PairRules, fields: Iterable[MappedField]) -> Iterator[MappingFault]:
    """Every fault of `match`, `evidence`, `shown_by` and `person`, the fields being well."""
    known = {field.name: field for field in fields if field.side != "d365"}
    named: list[tuple[Where, str, bool]] = [
        (("dataverse", "shown_by", place), name, False) for place, name in enumerate(rules.dataverse.shown_by)
    ]
    named += [(("person", place), name, True) for place, name in enumerate(rules.person)]
    for number, rule in enumerate(rules.match):
        named += [(("match", number, "by", place), name, True) for place, name in enumerate(rule.by)]
    for where, name, text in named:
        if name not in known:
            yield MappingFault(where, f"no field from GP fills {name}{did_you_mean(name, known)}")
        elif text and known[name].attribute.type != "String":
            yield MappingFault(where, f"{name} is no text of one line: records can't be told apart by it")
    yield from _check_evidence(rules)


def _check_evidence(rules: PairRules) -> Iterator[MappingFault]:
    """An attribute that no field fills, as after an overlay removed it, tells nothing and does no harm."""
    for name in rules.evidence.attributes:
        try:
            if target(rules.dataverse, name).type != "String":
                yield MappingFault(("evidence",), f"{name} is no text of one line: records can't be compared by it")
        except UnknownName as error:
            yield MappingFault(("evidence",), str(error))


def resolve(gp: GpSide, path: str) -> GpColumn:
    """The column a path (`CITY`, `bill_to.CITY`) means. Raises UnknownName."""
    alias, _, column = path.rpartition(".")
    if not alias and column in gp.joins:
        raise UnknownName(f"{column} is a joined table: name one of its columns, such as {column}.{gp.key[0]}")
    if not alias:
        return schema.gp_column(gp.table, column)
    if alias not in gp.joins:
        raise UnknownName(f"{alias} is no joined table{did_you_mean(alias, gp.joins)}")
    found = schema.gp_column(gp.joins[alias].table, column)
    if gp.joins[alias].otherwise:
        schema.gp_column(gp.table, column)
    return found


def target(dataverse: DataverseSide, name: str) -> Attribute:
    """The attribute of that name, our own columns and the installation's choices included. Raises UnknownName."""
    if name in dataverse.columns:
        return _own_attribute(dataverse.entity, name, dataverse.columns[name])
    known = schema.dataverse_attribute(dataverse.entity, name)
    if name not in dataverse.options:
        return known
    return _with_options(known, dataverse.options[name])


def write(gp: GpSide, path: str) -> Parameter:
    """How the column that a path means is written. Raises UnknownName when it can't be."""
    alias, _, column = path.rpartition(".")
    if alias and gp.joins[alias].otherwise:
        schema.gp_parameter(gp.table, column)
    return schema.gp_parameter(gp.joins[alias].table if alias else gp.table, column)


def parse(dataverse: DataverseSide, text: str) -> Expression:
    """An expression over attributes. Raises ValueError, in words, when it can't be parsed or names another thing."""
    expression = Expression(text)
    for name in expression.paths:
        try:
            kind = target(dataverse, name).type
        except UnknownName as error:
            raise ValueError(str(error)) from error
        if kind in _REFERENCES:
            raise ValueError(f"{name} refers to another record ({kind}); an expression reads plain values only")
    return expression


def parent_key(gp: GpSide, join: Join) -> tuple[str, ...]:
    """The joined table's columns that hold the parent's key; none when the join doesn't go through the whole key."""
    children = {parent: child for child, parent in reversed(join.on.items())}
    return tuple(children[column] for column in gp.key) if children.keys() >= set(gp.key) else ()


def _check_gp(gp: GpSide) -> Iterator[MappingFault]:
    named: list[tuple[Where, str, str]] = [(("gp", "key"), gp.table, column) for column in gp.key]
    named += [(("gp", "identity"), gp.table, gp.identity)] if gp.identity else []
    wrong = list(_unknown(named))
    if not wrong and schema.gp_table(gp.table).key != gp.key:
        right = ", ".join(schema.gp_table(gp.table).key)
        wrong = [MappingFault(("gp", "key"), f"{', '.join(gp.key)} alone is not the key of {gp.table}: {right}")]
    yield from wrong
    if wrong:
        return
    for alias, join in gp.joins.items():
        yield from _check_join(gp, ("gp", "joins", alias), join)
    if gp.scope:
        yield from _check_condition(gp, ("gp", "scope"), gp.scope)


def _check_condition(gp: GpSide, where: Where, text: str) -> Iterator[MappingFault]:
    """A condition that is asked of GP's records."""
    try:
        for path in Expression(text).paths:
            resolve(gp, path)
    except (ValueError, UnknownName) as error:
        yield MappingFault(where, str(error))


def _check_belonging(rules: PairRules) -> Iterator[MappingFault]:
    for word in ("scope", "company"):
        text: str | None = getattr(rules, word)
        try:
            parse(rules.dataverse, text) if text else None
        except ValueError as error:
            yield MappingFault((word,), str(error))


def _check_policies(rules: PairRules) -> Iterator[MappingFault]:
    """What has no state can't be made inactive."""
    entity = schema.dataverse_entity(rules.dataverse.entity)
    if "deactivate" in (rules.on_delete.gp, rules.on_delete.d365) and _STATE not in entity.attributes:
        yield MappingFault(("on_delete",), f"{entity.name} has no {_STATE} to deactivate it by: write park or ignore")


def _check_parent(rules: PairRules, parent: Parent) -> Iterator[MappingFault]:
    for column in parent.gp:
        if column not in rules.gp.key:
            text = f"{column} is no part of the key: a record that changes its parent is not followed"
            yield MappingFault(("parent", "gp"), text)
    known = schema.dataverse_entity(rules.dataverse.entity).attributes.get(parent.attribute)
    if known is None or known.type != "Customer" or parent.entity not in _CUSTOMERS:
        text = f"{parent.dataverse} is no reference of {rules.dataverse.entity} to an account or a contact"
        yield MappingFault(("parent", "dataverse"), f"{text}: write it as parentid_account")
    elif parent.link:
        yield from _check_link(rules.gp, parent.entity, parent.link)
    for word in ("match", "evidence"):
        if word in rules.model_fields_set:
            yield MappingFault((word,), "records that belong to another one can't be matched yet: leave it out")
    if rules.company:
        yield MappingFault(("company",), f"it is the company of the {parent.entity} it belongs to: leave it out")


def _check_link(gp: GpSide, entity: str, link: Link) -> Iterator[MappingFault]:
    known = schema.dataverse_entity(entity).attributes
    if link.dataverse not in known or known[link.dataverse].type != "Lookup":
        lookups = [name for name, attribute in known.items() if attribute.type == "Lookup"]
        text = f"{link.dataverse} is no look-up of {entity}{did_you_mean(link.dataverse, lookups)}"
        yield MappingFault(("parent", "link", "dataverse"), text)
    yield from _check_condition(gp, ("parent", "link", "when"), link.when)


def _check_ids(dataverse: DataverseSide, ids: Ids) -> Iterator[MappingFault]:
    if ids.letters + ids.digits > LENGTH:
        yield MappingFault(("ids", "digits"), f"{ids.letters} letters and {ids.digits} digits are more than {LENGTH}")
    try:
        if ids.expr:
            parse(dataverse, ids.expr)
        elif target(dataverse, ids.attribute).type != "String":
            yield MappingFault(("ids", "of"), f"{ids.attribute} is no text of one line")
    except UnknownName as error:
        yield MappingFault(("ids", "of"), str(error))
    except ValueError as error:
        yield MappingFault(("ids", "expr"), str(error))


def _check_join(gp: GpSide, where: Where, join: Join) -> Iterator[MappingFault]:
    names = [((*where, "on", child), join.table, child) for child in join.on]
    names += [((*where, "on", child), gp.table, parent) for child, parent in join.on.items()]
    names += [((*where, "where", child), join.table, child) for child in join.where]
    wrong = list(_unknown(names))
    yield from wrong
    for child in join.new.keys() - join.on.keys():
        yield MappingFault((*where, "new", child), f"{child} is not in `on`")
    if wrong:
        return
    missing = [column for column in schema.gp_table(join.table).key if column not in {*join.on, *join.where}]
    if missing:
        yield MappingFault(where, f"several rows of {join.table} may fit: name {', '.join(missing)} in `on` or `where`")
    if join.feed and not parent_key(gp, join):
        yield MappingFault(
            where,
            f"a change in {join.table} can't be traced to its {', '.join(gp.key)}, which isn't in `on`: "
            "write `feed: false` if such changes may go unseen",
        )


def _unknown(names: Iterable[tuple[Where, str, str]]) -> Iterator[MappingFault]:
    for where, table, column in names:
        try:
            schema.gp_column(table, column)
        except UnknownName as error:
            yield MappingFault(where, str(error))


def _check_dataverse(dataverse: DataverseSide) -> Iterator[MappingFault]:
    try:
        entity = schema.dataverse_entity(dataverse.entity)
    except UnknownName as error:
        yield MappingFault(("dataverse", "entity"), str(error))
        return
    for word, real in (("set", entity.set), ("id", entity.id)):
        if getattr(dataverse, word) != real:
            yield MappingFault(("dataverse", word), f"{entity.name} has {real}, not {getattr(dataverse, word)}")
    for word in ("key", "mark"):
        yield from _check_text_column(dataverse, word)
    for name in dataverse.columns:
        if not name.startswith(_OWN_PREFIX):
            yield MappingFault(("dataverse", "columns", name), f"a column of our own begins with {_OWN_PREFIX}")
    for name in dataverse.options:
        if name not in entity.attributes or entity.attributes[name].type not in {"Picklist", "Status"}:
            yield MappingFault(("dataverse", "options", name), f"is no choice of {entity.name}")


def _check_text_column(dataverse: DataverseSide, word: str) -> Iterator[MappingFault]:
    try:
        if target(dataverse, getattr(dataverse, word)).type != "String":
            yield MappingFault(("dataverse", word), "must be a String column")
    except UnknownName as error:
        yield MappingFault(("dataverse", word), str(error))


def _own_attribute(entity: str, name: str, column: Column) -> Attribute:
    described = {"type": column.type, "maxLength": column.max_length, "options": column.options}
    return schema.attribute(entity, name, {**described, "behavior": "DateOnly"})


def _with_options(known: Attribute, more: Iterable[int]) -> Attribute:
    return replace(known, options=known.options | frozenset(more))
