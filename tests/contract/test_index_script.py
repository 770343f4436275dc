"""The optional index of a timestamp feed serves the poll as it is asked: by stamp, then by the table's key."""

import re
from pathlib import Path

from sync import schema
from sync.mapping import load_all

ROOT = Path(__file__).parents[2]


def test_every_stamped_table_that_a_mapping_reads_has_its_index_in_the_order_of_the_poll() -> None:
    script = (ROOT / "infra" / "gp" / "index.sql").read_text(encoding="utf-8")
    found = {table: columns.split(", ") for table, columns in re.findall(r"ON dbo\.(\w+) \(([^)]*)\)", script)}
    tables = {feed.table for mapping in load_all(ROOT / "sync" / "mappings").values() for feed in mapping.feeds()}
    wanted = {
        table: ["DEX_ROW_TS", *schema.gp_table(table).key]
        for table in tables
        if "DEX_ROW_TS" in schema.gp_table(table).columns
    }
    assert found == wanted
