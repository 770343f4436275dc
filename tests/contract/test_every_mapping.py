"""Every mapping file against the data: names, lengths, feeds. Whoever adds a mapping gets these for nothing."""

from pathlib import Path

import pytest

from sync import schema
from sync.flow import find_flows
from sync.mapping import load_all

MAPPINGS = load_all(Path(__file__).parents[2] / "sync" / "mappings")
FIELDS = [
    pytest.param(mapping, field, id=f"{pair}-{field.name}")
    for pair, mapping in MAPPINGS.items()
    for field in mapping.fields
]
every_mapping = pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS.keys())
every_field = pytest.mark.parametrize(("mapping", "field"), FIELDS)


def table_of(mapping, path):
    alias, _, column = path.rpartition(".")
    return (mapping.gp.joins[alias].table if alias else mapping.gp.table), column


def test_every_flow_has_a_mapping():
    assert {flow.pair for flow in find_flows().values()} <= MAPPINGS.keys()


@every_mapping
def test_every_path_is_a_column_of_the_data(mapping):
    for path in mapping.gp.paths:
        schema.gp_column(*table_of(mapping, path))


@every_mapping
def test_every_attribute_is_in_the_data_or_declared_as_our_own(mapping):
    for name in mapping.dataverse.select:
        if name in mapping.dataverse.columns:
            assert name.startswith("gp365_")
        else:
            schema.dataverse_attribute(mapping.dataverse.entity, name)


@every_field
def test_every_text_fits_or_the_file_says_what_happens(mapping, field):
    lengths = [schema.gp_column(*table_of(mapping, path)).length for path in field.rule.paths]
    limit = field.attribute.max_length
    if limit is not None and not field.rule.too_long and not field.rule.lookup and not field.expr:
        assert None not in lengths
        assert sum(lengths) + len(lengths) - 1 <= limit


@every_field
def test_every_look_up_gives_values_its_attribute_takes(mapping, field):
    table = mapping.lookups.get(field.rule.lookup, {})
    if field.attribute.options:
        assert set(table.values()) <= field.attribute.options


@every_mapping
def test_every_table_that_is_read_has_a_feed_or_is_declared_without_one(mapping):
    fed = {(feed.table, tuple(feed.where.items())) for feed in mapping.feeds()}
    assert (mapping.gp.table, ()) in fed
    for alias in mapping.reads.keys() - {""}:
        join = mapping.gp.joins[alias]
        assert not join.feed or (join.table, tuple(join.where.items())) in fed


@every_mapping
def test_every_feed_leads_to_a_key_of_at_most_the_tables_width(mapping):
    for feed in mapping.feeds():
        for child, own in zip(feed.parent_key, mapping.gp.key, strict=True):
            assert schema.gp_column(feed.table, child).kind == schema.gp_column(mapping.gp.table, own).kind
        # A deleted row is told by its key columns alone, so the way to the parent must be among them.
        assert {*feed.parent_key, *feed.where} <= set(schema.gp_table(feed.table).key)


@every_mapping
def test_the_key_column_holds_every_key_a_gp_id_can_make(mapping):
    """`sync.keys` spells a character of code page 1252 in nine at worst; a company id has five characters."""
    widths = [schema.gp_column(mapping.gp.table, column).length for column in mapping.gp.key]
    between = 3 * (len(widths) - 1)
    assert mapping.attribute(mapping.dataverse.key).max_length >= 9 * sum(widths) + between + len("TWOXX-")
