"""The rights script grants what reading customers needs, and nothing else. A new flow's tables are named by `doctor`."""

import re
from pathlib import Path

from sync.mapping import load_all
from sync.systems.gp.feeds import sources
from sync.systems.gp.written import PROCEDURES

ROOT = Path(__file__).parents[2]


def test_the_script_grants_what_is_read_and_nothing_else():
    mapping = load_all(ROOT / "sync" / "mappings")["customer"]
    script = (ROOT / "infra" / "gp" / "rights.sql").read_text(encoding="utf-8")
    granted = re.findall(r"^GRANT (.+) ON dbo\.(\w+) TO gp365_reader;", script, re.MULTILINE)
    read = {mapping.gp.table, *(join.table for join in mapping.gp.joins.values())}
    watched = {source.table for source in sources([mapping])}
    assert sorted(granted) == sorted(
        [("SELECT", table) for table in read] + [("VIEW CHANGE TRACKING", table) for table in watched]
    )


def test_the_script_for_writing_grants_the_procedures_that_are_called_and_nothing_else():
    script = (ROOT / "infra" / "gp" / "rights-to-write.sql").read_text(encoding="utf-8")
    granted = re.findall(r"^GRANT (.+) ON dbo\.(\w+) TO gp365_writer;", script, re.MULTILINE)
    assert sorted(granted) == sorted(("EXECUTE", name) for name in PROCEDURES.values())
    assert len(re.findall("^GRANT", script, re.MULTILINE)) == len(granted)
