"""GP with its change feed, and a Dataverse that keeps values in its own way, both with seams."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sync.errors import Rejected
from sync.mapping import Mapping
from sync.system import Ask, Change, Identity, Outcome, Record, Seen, Verdict, Write
from tests.fakes import START, FakeGp, FakeSource, FakeTarget
from tests.model.seams import Killed, Seam, Weather, done

KILLS = "KILL"
"""A customer of this name kills whatever process reads it."""

REFUSED = "Refused"
"""Dataverse refuses an account of this name."""

HOME = Identity("gp", {"server": "SQL01"})


@dataclass
class Found:
    """What a poll found: `sync.intake.Poll`."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    cursor: dict[str, Any] = field(default_factory=dict)
    full_reread: set[str] = field(default_factory=set)
    more: bool = False
    identity: Identity = HOME
    server_time: datetime = START


class SteppedGp(FakeGp):
    """GP: customers by company, a log of changes that gets a version with each, people who type, and a clock of its own."""

    def __init__(self, mapping: Mapping, weather: Weather, pair: str) -> None:
        super().__init__(mapping)
        self._weather, self._pair = weather, pair
        self.log: list[tuple[str, str]] = []
        self.deleted: set[tuple[str, str]] = set()
        self.made: dict[str, str] = {}
        """The identity of the customer that each create made, by its mark."""
        self.ahead = timedelta()
        """By how much its clock is ahead."""

    def type(self, company: str, key: str, **values: Any) -> None:
        """A clerk types a customer, who keeps the NOTEINDX of the first time."""
        self.type_customer(company, key, **values)
        self.log.append((company, key))

    def unmark(self, company: str, key: str) -> None:
        """A clerk or another integration empties the field that holds our mark."""
        self.records[company, key] = replace(self.records[company, key], mark="")
        self._stamp(company, key)
        self.log.append((company, key))

    def delete(self, company: str, key: str) -> None:
        del self.records[company, key]
        self.deleted.add((company, key))
        self.log.append((company, key))

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        return await self._weather.call("gp", "gp.read", lambda: self._read(company, mapping, keys))

    async def _read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        found = await FakeSource.read(self, company, mapping, keys)
        if any(record.values["CUSTNAME"] == KILLS for record in found.values()):
            raise Killed
        return found

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        async def now() -> Seen:
            return Seen(await self._read(company, mapping, wanted.ids), {}, self.alike(company, wanted), self.now)

        return await self._weather.call("gp", "gp.look", now)

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        async def all_of_them() -> list[Verdict]:
            return [self._one(company, mapping, write) for write in writes]

        return await self._weather.call("gp", "gp.write", all_of_them, late=True)

    def _one(self, company: str, mapping: Mapping, write: Write) -> Verdict:
        verdict = super()._one(company, mapping, write)
        if verdict.outcome is Outcome.WRITTEN:
            self.log.append((company, write.id))
            self.made |= {write.mark: self.records[company, write.id].identity} if write.create else {}
        return verdict

    async def poll(self, company: str, mappings: Sequence[Mapping], cursor: dict[str, Any]) -> Found:
        return await self._weather.call("gp", "gp.poll", lambda: self._poll(company, cursor))

    async def _poll(self, company: str, cursor: dict[str, Any]) -> Found:
        place = {"version": len(self.log)}
        if not cursor:
            return Found(cursor=place)
        keys = dict.fromkeys(key for where, key in self.log[cursor["version"] :] if where == company)
        return Found(
            {
                self._pair: [
                    Change("customer", key, "change_tracking", (company, key) not in self.records) for key in keys
                ]
            },
            place,
        )

    async def count(self, company: str, mapping: Mapping) -> int:
        await Seam("gp.keys before")
        return sum(where == company for where, _ in self.records)

    async def held(self, company: str, mapping: Mapping, keys: Sequence[str]) -> set[str]:
        await Seam("gp.keys before")
        return {key for key in keys if (company, key) in self.records}

    async def keys(self, company: str, mapping: Mapping, after: str, limit: int) -> list[str]:
        await Seam("gp.keys before")
        return sorted(key for where, key in self.records if where == company and key > after)[:limit]


class SteppedDataverse(FakeTarget):
    """Dataverse: it keeps postal codes in capitals, remembers every write that landed, and has a log of changes."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self._weather = weather
        self.landed: list[Write] = []
        self.created_late: set[str] = set()
        self.deleted: set[str] = set()
        self.refusals = 0
        self.fences = 0
        self.log: list[str] = []
        self.company: dict[str, str] = {}
        """Of each account."""
        self.normalise = lambda name, value: (
            value.upper() if name == "address1_postalcode" and isinstance(value, str) else value
        )

    def type(self, company: str, id_: str, values: dict[str, Any]) -> None:
        """A user makes an account, or edits one: a plug-in does not tell people from programs."""
        kept = {name: self.normalise(name, value) for name, value in values.items()}
        self.company.setdefault(id_, company)
        if id_ in self.rows:
            self.edit(id_, **kept)
        else:
            self.rows[id_] = Record(id_, kept, self._next())
            self.log.append(id_)

    def edit(self, id_: str, **values: Any) -> None:
        super().edit(id_, **values)
        self.log.append(id_)

    async def read_of(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        """As a source."""
        parent = super()
        return await self._weather.call("dataverse", "dataverse.source", lambda: parent.read(mapping, keys))

    async def merged_of(self, masters: Sequence[str]) -> dict[str, list[str]]:
        """What was merged into each."""

        async def found() -> dict[str, list[str]]:
            return self.merged_into(masters)

        return await self._weather.call("dataverse", "dataverse.merged", found)

    async def identity(self) -> Identity:
        parent = super()
        return await self._weather.call("dataverse", "dataverse.identity", parent.identity)

    async def look(self, company: str, mapping: Mapping, wanted: Ask) -> Seen:
        parent = super()
        return await self._weather.call("dataverse", "dataverse.read", lambda: parent.look(company, mapping, wanted))

    async def write(self, company: str, mapping: Mapping, writes: Sequence[Write]) -> list[Verdict]:
        async def all_of_them() -> list[Verdict]:
            return [self._one(company, mapping, write) for write in writes]

        return await self._weather.call("dataverse", "dataverse.write", all_of_them, late=True)

    def _one(self, company: str, mapping: Mapping, write: Write) -> Verdict:
        if write.values.get("name") == REFUSED:
            error = Rejected("Dataverse refused the name.", code="refused_by_target", key=write.key)
            return Verdict(write.id, Outcome.FAILED, error=error)
        verdict = super()._one(company, mapping, write)
        self.refusals += verdict.outcome is not Outcome.WRITTEN
        if verdict.outcome is Outcome.WRITTEN:
            self.fences += not write.values
            self.landed.append(write)
            self.log.append(write.id)
            self.company.setdefault(write.id, company)
        return verdict

    def delete(self, id_: str) -> None:
        """A user deletes an account."""
        del self.rows[id_]
        self.deleted.add(id_)
        self.log.append(id_)

    def land(self, rng: random.Random) -> None:
        """One request whose caller gave up lands now."""
        before = len(self.landed)
        done(self._weather.late.pop(rng.randrange(len(self._weather.late))))
        self.created_late |= {write.mark for write in self.landed[before:] if write.create}


@dataclass
class Accounts:
    """Dataverse as a source: `sync.cases.Source`."""

    dataverse: SteppedDataverse

    async def read(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, Record]:
        return await self.dataverse.read_of(company, mapping, keys)

    async def merged_into(self, company: str, mapping: Mapping, keys: Sequence[str]) -> dict[str, list[str]]:
        return await self.dataverse.merged_of(keys)
