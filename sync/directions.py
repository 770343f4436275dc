"""Whether the flows there are go the ways that the mappings promise."""

from collections.abc import Iterable, Mapping

from sync.convert import MappedField
from sync.errors import BadSettings
from sync.flow import Flow
from sync.mapping import Mapping as PairMapping


def check_directions(flows: Iterable[Flow], mappings: Mapping[str, PairMapping]) -> None:
    """A field may not promise a way that no flow goes. Raises BadSettings naming it."""
    sources: dict[str, set[str]] = {}
    for flow in flows:
        if flow.pair not in mappings:
            text = f"flows/{flow.name}.py names pair {flow.pair}, which has no mapping."
            raise BadSettings(text, code="mapping_invalid")
        sources.setdefault(flow.pair, set()).add("gp" if flow.source == "gp" else "d365")
    for pair, starts in sources.items():
        if mappings[pair].rules.cardinality == "shared_account":
            text = f"{pair}.yaml: cardinality: shared_account is not built yet; each account belongs to one company."
            raise BadSettings(text, code="mapping_invalid")
        for missing in {"gp", "d365"} - starts:
            _check(pair, [field.name for field in mappings[pair].fields if _needs(field, missing)], missing)


def _needs(field: MappedField, start: str) -> bool:
    """Whether a field needs a flow that starts there."""
    return field.side in {None, start} or (start == "d365" and field.edits == "request")


def _check(pair: str, names: list[str], missing: str) -> None:
    if names:
        other = "gp" if missing == "d365" else "d365"
        way_out = f"write one_way: {other}, and edits: leave or revert"
        text = f"{pair}.yaml: no flow starts at {missing}, as {', '.join(names)} would need: {way_out}."
        raise BadSettings(text, code="mapping_invalid")
