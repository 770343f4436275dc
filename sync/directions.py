"""Whether the flows there are go the ways that the mappings promise."""

from collections.abc import Iterable, Mapping

from sync.convert import MappedField
from sync.errors import BadSettings
from sync.flow import Flow, paired
from sync.mapping import Mapping as PairMapping


def in_use(flows: Mapping[str, Flow], mappings: Mapping[str, PairMapping]) -> dict[str, Flow]:
    """The flows that go where their pair's mapping goes: of a pair that is `one_way` only the one from that side, of one that
    is switched off none.
    """
    rules = {pair: mapping.rules for pair, mapping in mappings.items()}
    off = {pair for pair, each in rules.items() if not each.enabled}
    one_way = {pair: each.one_way for pair, each in rules.items()}
    going = {name: flow for name, flow in flows.items() if one_way.get(flow.pair) in (None, flow.side)}
    return paired({name: flow for name, flow in going.items() if flow.pair not in off})


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
        if "d365" in starts and (fault := _not_written(mappings[pair])):
            raise BadSettings(f"{pair}.yaml: {fault}: write `one_way: gp` at the pair.", code="mapping_invalid")
        _check_parent(pair, mappings[pair], starts, sources)
        for missing in {"gp", "d365"} - starts:
            asked = mappings[pair].rules.one_way is None
            names = [field.name for field in mappings[pair].fields if _needs(field, missing, asked=asked)]
            _check(pair, names, missing)


def _not_written(mapping: PairMapping) -> str:
    """Why no flow can write a pair's records to GP; blank where one can."""
    gp, parent = mapping.rules.gp, mapping.parent
    own = [column for column in gp.key if parent is None or column not in parent.gp]
    joined = [path for field in mapping.fields for path in field.writes if "." in path]
    if len(own) > 1:
        return f"a new record needs one id, and its key has {' and '.join(own)}, so it is only read"
    if gp.scope and parent is None:
        return "gp: scope is kept by a flow from GP only, but of records that belong to another one"
    if parent and joined:
        return f"{joined[0]} is not of {gp.table}, and a record that belongs to another one is written alone"
    return ""


def _check_parent(pair: str, mapping: PairMapping, starts: set[str], sources: Mapping[str, set[str]]) -> None:
    """A record that waits for its parent needs a flow that brings it there."""
    parent = mapping.parent
    if parent and "gp" in starts and "gp" not in sources.get(parent.pair, set()):
        text = f"{pair}.yaml: parent: no flow brings {parent.pair} from GP to Dataverse: {pair} would wait for ever."
        raise BadSettings(text, code="mapping_invalid")
    if parent and parent.pair not in sources:
        text = f"{pair}.yaml: parent: no flow couples {parent.pair}: no {pair} would ever take part."
        raise BadSettings(text, code="mapping_invalid")


def _needs(field: MappedField, start: str, *, asked: bool) -> bool:
    """Whether a field needs a flow that starts there. Where the whole pair goes one way, nobody is `asked` about edits."""
    return field.side in {None, start} or (asked and start == "d365" and field.edits == "request")


def _check(pair: str, names: list[str], missing: str) -> None:
    if names:
        other = "gp" if missing == "d365" else "d365"
        way_out = f"write one_way: {other}, and edits: leave or revert"
        text = f"{pair}.yaml: no flow starts at {missing}, as {', '.join(names)} would need: {way_out}."
        raise BadSettings(text, code="mapping_invalid")
