"""How well records are matched: two populations with known truth, a new seed each run."""

import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from itertools import batched
from pathlib import Path
from typing import Any

from bench.populations import Populations, populations
from bench.suite import Measure, options, step
from sync.mapping import Mapping, load_mapping
from sync.matching.compare import compare_all
from sync.matching.scratch import Entry, Scratch
from sync.matching.traits import traits_of
from sync.runtime import MAPPINGS
from sync.value import Value


async def match() -> AsyncIterator[Measure]:
    """The share of automatic couples that are wrong, and of true couples that are found, coupled or parked."""
    seed = secrets.randbelow(1_000_000)
    step(f"matching {options.records} companies, seed {seed}")
    made = populations(options.records, seed)
    started = time.perf_counter()
    automatic, parked = matched(made)
    seconds = time.perf_counter() - started
    wrong = [key for key, id_ in automatic.items() if id_ not in made.truth.get(key, ())]
    found = [key for key, ids in made.truth.items() if ids & {automatic.get(key), *parked.get(key, ())}]
    note = f"seed {seed}: {len(automatic):,} coupled, {len(parked):,} parked, of {len(made.truth):,} true couples"
    yield Measure("wrong_automatic_couples_share", len(wrong) / max(1, len(automatic)), "share", bar=0.001, note=note)
    yield Measure("match_recall", len(found) / len(made.truth), "share", bar=0.9, op=">=", note=note)
    yield Measure("automatic_couples_share", (len(automatic) - len(wrong)) / len(made.truth), "share")
    yield Measure("matching_seconds", round(seconds, 1), "s", note=f"{len(made.gp):,} x {len(made.dataverse):,}")


def matched(made: Populations) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The automatic couples, and the candidates of every customer that a person would see."""
    mapping = load_mapping(MAPPINGS / "customer.yaml")
    evidence, region = mapping.rules.evidence, mapping.rules.region
    with tempfile.TemporaryDirectory(prefix="gp365-") as folder, Scratch(Path(folder) / "match.db") as scratch:
        for some in batched(made.gp.items(), 1_000, strict=False):
            values = {key: in_dataverse(mapping, row) for key, row in some}
            scratch.add("gp", (Entry(key, traits_of(evidence, each, region), {}) for key, each in values.items()))
        for accounts in batched(made.dataverse.items(), 1_000, strict=False):
            scratch.add("dataverse", (Entry(id_, traits_of(evidence, each, region), {}) for id_, each in accounts))
        for _ in compare_all(scratch):
            pass
        parked: dict[str, list[str]] = {}
        for doubt in scratch.doubts():
            parked.setdefault(doubt.gp.key, []).append(doubt.dataverse.key)
        return {couple.gp.key: couple.dataverse.key for couple in scratch.couples()}, parked


def in_dataverse(mapping: Mapping, row: dict[str, Any]) -> dict[str, Value]:
    """What a generated customer would be in Dataverse."""
    values = dict.fromkeys(mapping.gp.paths) | {"CRLMTTYP": 0, "CRLMTAMT": 0, "HOLD": 0, "INACTIVE": 0} | row
    converted = mapping.convert(values, {})
    return {name: halves.target for name, halves in converted.fields.items()}
