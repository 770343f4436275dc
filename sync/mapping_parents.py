"""What can be wrong between pairs of which one belongs to the other, before any record is read."""

from collections.abc import Mapping as Table

from sync.errors import BadSettings
from sync.mapping_model import PairRules
from sync.schema import did_you_mean


def check_parents(pairs: Table[str, PairRules]) -> None:
    """Every pair's parent is there and fits, and none waits for itself. Raises BadSettings (`mapping_invalid`)."""
    for pair, rules in pairs.items():
        if text := _fault(rules, pairs):
            raise BadSettings(f"{pair}.yaml: parent: {text}", code="mapping_invalid")


def _fault(rules: PairRules, pairs: Table[str, PairRules]) -> str:
    parent = rules.parent
    if parent is None:
        return ""
    if parent.pair not in pairs:
        return f"there is no pair {parent.pair}{did_you_mean(parent.pair, pairs)}"
    if loop := _loop(rules, pairs):
        return f"{' waits for '.join(loop)}: such records would wait for each other for ever"
    other = pairs[parent.pair]
    if len(other.gp.key) != len(parent.gp):
        return f"the key of {parent.pair} is {', '.join(other.gp.key)}, not {', '.join(parent.gp)}"
    if other.dataverse.entity != parent.entity:
        return f"{parent.dataverse} leads to {parent.entity}, but {parent.pair} is kept as {other.dataverse.entity}"
    return ""


def _loop(rules: PairRules, pairs: Table[str, PairRules]) -> list[str]:
    """The way from a pair back to itself."""
    way, parent = [rules.pair], rules.parent
    while parent and parent.pair in pairs:
        way.append(parent.pair)
        if parent.pair == rules.pair:
            return way
        if parent.pair in way[:-1]:
            return []
        parent = pairs[parent.pair].parent
    return []
