"""What bounds the calls of one process even without the gate is stated, and is what the pages say."""

import json
from pathlib import Path

from sync.settings import Settings

ROOT = Path(__file__).parents[2]
QUEUES = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_messages_an_instance_works_at_once_are_bounded_and_documented() -> None:
    batch, more = QUEUES["batchSize"], QUEUES["newBatchThreshold"]
    assert batch + more <= 16
    assert f"`batchSize` {batch} and `newBatchThreshold` {more}: {batch + more} messages" in PAGE


def test_the_limits_of_the_pages_are_the_defaults() -> None:
    gp, dataverse = (Settings.model_fields[name].default for name in ("gp_limit", "dataverse_limit"))
    assert f"`GP365_GP_LIMIT` ({gp})" in PAGE
    assert f"`GP365_DATAVERSE_LIMIT` ({dataverse})" in PAGE


def test_more_messages_are_worked_than_calls_allowed() -> None:
    gp = Settings.model_fields["gp_limit"].default
    assert QUEUES["batchSize"] + QUEUES["newBatchThreshold"] > gp, "else the host, not the gate, would decide who waits"
