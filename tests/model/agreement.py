"""What must hold of both sides when a history of a pair with two directions has come to rest."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sync.mapping_model import Side
from sync.stores.parked import Parked
from sync.system import Record
from sync.value import Value
from tests.model.books import company_of, faults_of_books, rows_of
from tests.model.world import World

ASKED = ("creditonhold", "statecode")
"""Fields that are GP's own; an edit in Dataverse asks for it."""


@dataclass
class Truth:
    """What people did: the accounts they `made`, the customers they `typed`, and the last value each side gave a field."""

    made: set[str] = field(default_factory=set)
    typed: set[tuple[str, str, str]] = field(default_factory=set)
    customers: dict[tuple[str, str, str], dict[str, Value]] = field(default_factory=lambda: defaultdict(dict))
    accounts: dict[str, dict[str, Value]] = field(default_factory=lambda: defaultdict(dict))

    def customer(self, company: str, record: Record, values: dict[str, Any], *, new: bool = False) -> None:
        """A clerk typed these columns."""
        name = (company, record.key, record.identity)
        self.customers[name] |= values
        self.typed |= {name} if new else set()

    def account(self, id_: str, values: dict[str, Any]) -> None:
        """A user wrote these attributes."""
        self.accounts[id_] |= values

    def choice(self, world: World, entry: Parked, take: Side) -> None:
        """A person chose a side about a couple: what that holds is as good as typed."""
        for row in rows_of(world):
            account = world.dataverse.rows.get(row["d365"])
            customer = world.gp.records.get((company_of(row), row["key"]))
            if company_of(row) != entry.company or entry.key not in (row["key"], row["d365"]):
                continue
            if take == "d365" and account:
                self.account(account.key, {"name": account.values["name"]})
            if take == "gp" and customer:
                asks = world.mapping.rules.approve == "always" and entry.code == "approval_needed"
                paths = ("CUSTNAME", "FAX") if asks else ("CUSTNAME",)
                self.customer(entry.company, customer, {path: customer.values[path] for path in paths})


@dataclass(frozen=True)
class Pair:
    """A row of the crosswalk, what both sides hold of it, and for which causes it is parked, by flow."""

    row: Any
    company: str
    customer: Record | None
    account: Record | None
    parked: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.company}/{self.row['key']}/{self.row['d365'][:6]}"


def broken(world: World, truth: Truth, *, looked_again: bool) -> list[str]:
    """Every promise this history broke."""
    pairs = _pairs(world)
    return [
        *_doubled(world),
        *_strangers(world, truth, pairs),
        *(fault for pair in pairs for fault in _faults(world, truth, pair, looked_again)),
        *_alone(world, pairs),
        *_reasons(world, pairs),
        *faults_of_books(world, settled=looked_again),
    ]


def _pairs(world: World) -> list[Pair]:
    causes = defaultdict(set)
    for entry in world.tables.parked.entities.values():
        causes[entry["company"], entry["key"]].add(entry["code"])
    return [
        Pair(
            row,
            company_of(row),
            world.gp.records.get((company_of(row), row["key"])),
            world.dataverse.rows.get(row["d365"]),
            frozenset(causes[company_of(row), row["key"]] | causes[company_of(row), row["d365"] or "-"]),
        )
        for row in rows_of(world)
    ]


# one for one


def _doubled(world: World) -> list[str]:
    """No account has two customers, no customer two accounts, whoever made them."""
    keys = Counter(row.values["gp365_key"] for row in world.dataverse.rows.values() if row.values["gp365_key"])
    made = Counter(
        write.key for write in world.gp.writes if write.create and _there(world, write.key, write.id, write.mark)
    )
    return [
        *(f"{key} has {count} accounts" for key, count in keys.items() if count > 1),
        *(f"{id_[:6]} became {count} customers" for id_, count in made.items() if count > 1),
    ]


def _there(world: World, id_: str, key: str, mark: str) -> bool:
    company = world.dataverse.company[id_]
    return (company, key) in world.gp.records and world.gp.records[company, key].identity == world.gp.made.get(mark)


def _strangers(world: World, truth: Truth, pairs: list[Pair]) -> list[str]:
    """Couples of records that never had anything to do with each other: none was made of the other, nor names it."""
    born = {(write.key, write.id) for write in world.dataverse.landed if write.create}
    born |= {(write.id, write.key) for write in world.gp.writes if write.create}
    return [
        f"{pair.name} are strangers"
        for pair in pairs
        if pair.row["coupled"]
        and pair.account
        and truth.accounts[pair.account.key].get("accountnumber") != pair.row["key"]
        and ((pair.row["key"], pair.account.key) not in born or _both_were_there(truth, pair))
    ]


def _both_were_there(truth: Truth, pair: Pair) -> bool:
    """Whether people made both of them."""
    name = (pair.company, pair.row["key"], pair.row["identity"])
    return name in truth.typed and pair.row["d365"] in truth.made


def _alone(world: World, pairs: list[Pair]) -> list[str]:
    """Records without a counterpart, for which nobody waits."""
    coupled = {(pair.company, pair.row["key"]) for pair in pairs if pair.row["coupled"]}
    ids = {pair.row["d365"] for pair in pairs if pair.row["coupled"]}
    parked = {(entry["company"], entry["key"]) for entry in world.tables.parked.entities.values()}
    return [
        *(
            f"{company}/{key} has no account"
            for company, key in world.gp.records.keys() - coupled - parked
        ),
        *(
            f"{id_[:6]} has no customer"
            for id_, row in world.dataverse.rows.items()
            if id_ not in ids and (world.dataverse.company[id_], id_) not in parked and _takes_part(row)
        ),
    ]  # fmt: skip


def _takes_part(row: Record) -> bool:
    return row.values.get("customertypecode") == 3


# why it is parked


def _reasons(world: World, pairs: list[Pair]) -> list[str]:
    by_name = {(pair.company, name): pair for pair in pairs for name in (pair.row["key"], pair.row["d365"]) if name}
    return [
        f"{entry['company']}/{entry['key'][:7]} is parked by {entry['flow']} as {entry['code']} without need: {entry['message']}"
        for entry in world.tables.parked.entities.values()
        if not _needed(world, entry, by_name.get((entry["company"], entry["key"])))
    ]


def _needed(world: World, entry: Any, pair: Pair | None) -> bool:
    key, code = entry["key"], entry["code"]
    uncoupled = pair is None or not pair.row["coupled"]
    match code:
        case "possible_duplicate" | "duplicate_in_target":
            return uncoupled
        case "deleted_in_source":
            return pair is not None and (pair.customer is None or pair.account is None)
        case "key_reused":
            return pair is not None and pair.customer is not None and pair.customer.identity != pair.row["identity"]
        case "approval_needed" if uncoupled:
            return key in world.dataverse.rows and world.mapping.rules.approve != "never"
        case "approval_needed":
            return pair is not None and any(name in _asked(world) for name in _differing(world, pair))
        case "values_differ" if uncoupled:
            return any("name" in _differing(world, met) for met in _could_meet(world, entry))
        case "values_differ":
            return pair is not None and "name" in _differing(world, pair)
    return False


def _could_meet(world: World, entry: Any) -> list[Pair]:
    """The records that a parked one, still alone, names or is named by: its counterpart is one of them."""
    company, key = entry["company"], entry["key"]
    return [
        Pair({}, company, world.gp.records.get((company, named)), account, frozenset())
        for account in world.dataverse.rows.values()
        if (named := str(account.values.get("accountnumber"))) and key in (named, account.key)
    ]


# what both sides hold


def _faults(world: World, truth: Truth, pair: Pair, looked_again: bool) -> list[str]:
    if not pair.row["coupled"] or "key_reused" in pair.parked:
        return []
    if pair.customer is None or pair.account is None:
        return _half(world, pair) if looked_again else []
    if pair.row["identity"] != pair.customer.identity:
        return [f"{pair.name}: the customer is another one"] if looked_again else []
    waiting = _waiting(world, pair)
    faults = [
        f"{pair.name}: {name} {_shown(world, pair, name)}" for name in _differing(world, pair) if name not in waiting
    ]
    faults += _older(world, truth, pair, waiting)
    if not pair.parked and looked_again:
        faults += _not_the_base(world, pair)
    return faults


def _half(world: World, pair: Pair) -> list[str]:
    """One side was deleted: that waits, or was done by the policy, unless somebody had edited the other side meanwhile."""
    rule = world.setting.mapping.rules.on_delete
    if "deleted_in_source" in pair.parked or (pair.customer is None and pair.account is None):
        return []
    if pair.customer is None:
        assert pair.account
        done = {"park": False, "deactivate": pair.account.values["statecode"] == 1}
        return [] if done.get(rule.gp, True) else [f"{pair.name}: the customer is gone, and nobody did anything"]
    done = {"park": False, "deactivate": pair.customer.values["INACTIVE"] == 1}
    return [] if done.get(rule.d365, True) else [f"{pair.name}: the account is gone, and nobody did anything"]


def _waiting(world: World, pair: Pair) -> set[str]:
    """The fields about which a person must say. Where two have just met, all others wait until he has."""
    told: set[str] = set()
    if "values_differ" in pair.parked:
        told |= set(world.mapping.fields_by_name) if pair.row["unmet"] else {"name"}
    return told | _asked(world) if "approval_needed" in pair.parked else told


def _asked(world: World) -> set[str]:
    """The fields for which Dataverse must ask before they change in GP."""
    return set(world.mapping.fields_by_name if world.mapping.rules.approve == "always" else ASKED)


def _differing(world: World, pair: Pair) -> list[str]:
    """The fields in which the two differ, up to the case of letters: both sides have a mind of their own about that."""
    if pair.customer is None or pair.account is None:
        return []
    made = world.mapping.convert(pair.customer.values, world.mapping.lookups).fields
    return [name for name, half in made.items() if _fold(half.target) != _fold(pair.account.values.get(name))]


def _shown(world: World, pair: Pair, name: str) -> str:
    assert pair.customer
    assert pair.account
    half = world.mapping.gp_halves(pair.customer.values)[name]
    return f"is {half!r} in GP, {pair.account.values.get(name)!r} in Dataverse"


def _older(world: World, truth: Truth, pair: Pair, waiting: set[str]) -> list[str]:
    """Each field holds what somebody gave it last."""
    assert pair.customer
    assert pair.account
    typed = truth.customers.get((pair.company, pair.customer.key, pair.customer.identity), {})
    wrote = truth.accounts.get(pair.account.key, {})
    by_gp = world.mapping.convert(dict(pair.customer.values) | typed, world.mapping.lookups).fields
    faults = []
    for name, path in (("name", "CUSTNAME"), ("telephone1", "PHONE1"), ("fax", "FAX")):
        last = [by_gp[name].target] if path in typed else []
        last += [wrote[name]] if wrote.get(name) is not None or (name == "name" and name in wrote) else []
        present = pair.account.values.get(name)
        if name in waiting:
            continue
        if _fold(present) not in {_fold(value) for value in last or [None]}:
            faults.append(f"{pair.name}: {name} is {present!r}, last given {last}")
    return faults


def _not_the_base(world: World, pair: Pair) -> list[str]:
    """The base says what both sides hold."""
    assert pair.customer
    assert pair.account
    base = world.base(pair.row)
    halves = world.mapping.gp_halves(pair.customer.values)
    return [
        f"{pair.name}: {name} is {halves[name]!r} and {pair.account.values.get(name)!r}, by the base {agreed}"
        for name, agreed in base.items()
        if agreed.unsure or agreed.gp != halves[name] or agreed.d365 != pair.account.values.get(name)
    ]


def _fold(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value
