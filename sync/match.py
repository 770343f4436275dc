"""Finds out which of the target's records a record of the source may be that is coupled with none yet. Pure.

A record with the source's key is the one, without any rule. The mapping's rules (`match:`) come after that, in their order:
the first that finds something decides. Values are compared without blanks around them and without case; an empty one is
like no other. What belongs to another record is never found.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass

from sync.mapping import Mapping, MatchRule
from sync.system import Record
from sync.value import Value, visible

INACTIVE = 1
"""The state of a Dataverse row that is not in use."""

TOLD = 5
"""So many records are told of in a doubt; of more only the number."""

type Texts = tuple[str, ...]
type Values = Table[str, Value]


@dataclass(frozen=True)
class Match:
    """What was found for one record: the `record` to couple it with and `how`, or in `doubt` why a person must say.

    Without a record and a doubt it is a new one.
    """

    record: Record | None = None
    how: str = ""
    doubt: str = ""


NEW = Match()


@dataclass(frozen=True)
class Hit:
    """A record that a rule found."""

    rule: MatchRule
    record: Record


def wanted(sought: Table[Texts, MatchRule], records: Iterable[Values]) -> dict[Texts, set[Texts]]:
    """What to look for in the target: values by the names under which it holds them. `sought`: the rules by these names;
    `records`: what each record would write.
    """
    found: dict[Texts, set[Texts]] = defaultdict(set)
    each = list(records)
    for names, rule in sought.items():
        found[names] |= {texts for values in each if (texts := _texts(rule, values))}
    return {attributes: texts for attributes, texts in found.items() if texts}


def hits(mapping: Mapping, records: Table[str, Values], seen: Iterable[Record]) -> dict[str, list[Hit]]:
    """What the rules find for each record, in their order, among those `seen` that hold no key and are nobody's by a merge."""
    free = [record for record in seen if not (record.values.get(mapping.dataverse.key) or record.successor)]
    found: dict[str, list[Hit]] = {key: [] for key in records}
    for rule in mapping.match:
        index: dict[Texts, list[Hit]] = defaultdict(list)
        for record in free:
            index[_folded(rule, record.values)].append(Hit(rule, record))
        index.pop((), None)
        for key, values in records.items():
            found[key] += index.get(_folded(rule, values), [])
    return found


def decide(mapping: Mapping, key: str, found: Sequence[Hit], owners: Table[str, str], entity: str) -> Match:
    """The match of one record. `owners`: whose the found ones are already, by id. What is found is an `entity`."""
    free = [hit for hit in found if owners.get(hit.record.key, key) == key]
    if not free:
        return NEW
    rule = free[0].rule
    records = [hit.record for hit in free if hit.rule is rule]
    if rule.then == "couple" and len(records) == 1 and mapping.rules.first_sync != "report":
        return Match(records[0], f"by {_words(rule)}")
    return Match(doubt=_doubt(mapping, key, rule, records, entity))


def chosen(
    mapping: Mapping, key: str, id_: str, record: Record | None, owners: Table[str, str], entity: str = ""
) -> Match:
    """The match that a person chose, unless it can't be any more."""
    entity = entity or mapping.dataverse.entity
    if record is None:
        return Match(doubt=f"The {entity} {id_} that was chosen for {key} is not there.")
    if record.successor:
        text = f"The {entity} that was chosen for {key} was merged into {record.successor}: {told(mapping, record)}."
        return Match(doubt=text)
    other = owners.get(id_, key) if owners.get(id_, key) != key else record.values.get(mapping.dataverse.key)
    if other:
        return Match(doubt=f"The {entity} that was chosen for {key} belongs to {other} now: {told(mapping, record)}.")
    return Match(record, "by a person")


def alone(mapping: Mapping, matches: Table[str, Match]) -> dict[str, Match]:
    """The matches, with a doubt wherever one record of the target was found for two of the source."""
    times = Counter(match.record.key for match in matches.values() if match.record)
    return {
        key: Match(doubt=f"{key} is not the only one for which this was found: {told(mapping, match.record)}.")
        if match.record and times[match.record.key] > 1
        else match
        for key, match in matches.items()
    }


def told(mapping: Mapping, record: Record) -> str:
    """One record in words: what people know it by, its id, whether it is inactive."""
    open_ = [name for name in mapping.dataverse.shown_by if not mapping.field(name).secret]
    values = ((name, record.values.get(name)) for name in open_)
    words = [f"{name} '{visible(str(value))}'" for name, value in values if value not in (None, "")]
    state = ["inactive"] if record.values.get("statecode") == INACTIVE else []
    return ", ".join([*words, f"id {record.key}", *state])


def _doubt(mapping: Mapping, key: str, rule: MatchRule, records: Sequence[Record], entity: str) -> str:
    what = f"the {entity}" if len(records) == 1 else f"one of {len(records)} {entity}s"
    listed = "; ".join(told(mapping, record) for record in records[:TOLD])
    rest = f"; and {len(records) - TOLD} more" if len(records) > TOLD else ""
    return f"{key} may be {what} with the same {_words(rule)}: {listed}{rest}."


def _words(rule: MatchRule) -> str:
    return " and ".join(rule.by)


def _folded(rule: MatchRule, values: Values) -> Texts:
    return tuple(text.casefold() for text in _texts(rule, values))


def _texts(rule: MatchRule, values: Values) -> Texts:
    """What a record holds where the rule looks, nothing at all when one of it is empty."""
    texts = tuple(str(values.get(name) or "").strip() for name in rule.by)
    return texts if all(texts) else ()
