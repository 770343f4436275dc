"""Both sides' records and their candidates in a scratch file, so that memory does not grow with the number of records.

Values lie there encrypted with a key that only this process has: whatever a crash leaves behind tells no secret.
"""

import hashlib
import json
import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from cryptography.fernet import Fernet

from sync.matching.score import CANDIDATE, MARGIN, MOST, Comparison
from sync.matching.traits import Traits, blocks, compact, signs
from sync.value import Value, from_json, to_json

type Side = Literal["gp", "dataverse"]

MOST_PAIRS = 2_500
"""A box that makes more pairs tells nothing: it holds a word or a city that half of all records have."""

BY_KEY = 10_000
"""Points of a couple that needs no comparison: no candidate comes near."""

MOST_DOUBTS = 5
"""So many candidates of one record are shown, the best ones."""

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;
CREATE TABLE record (
  side TEXT, n INTEGER, key TEXT, traits BLOB, vals BLOB, state TEXT, stamp TEXT,
  PRIMARY KEY (side, n)) WITHOUT ROWID;
CREATE UNIQUE INDEX record_key ON record (side, key);
CREATE TABLE block (box INTEGER, side TEXT, n INTEGER);
CREATE TABLE sign (side TEXT, sign INTEGER, n INTEGER, PRIMARY KEY (side, sign, n)) WITHOUT ROWID;
CREATE TABLE customer (number INTEGER PRIMARY KEY);
CREATE TABLE candidate (g INTEGER, d INTEGER, points INTEGER, words TEXT, rule TEXT, firm INTEGER, plausible INTEGER,
  coupled INTEGER, PRIMARY KEY (g, d)) WITHOUT ROWID;
"""
_INDEXES = f"""
CREATE TABLE box AS SELECT box FROM block GROUP BY box
  HAVING sum(side = 'gp') * sum(side = 'dataverse') BETWEEN 1 AND {MOST_PAIRS};
CREATE UNIQUE INDEX box_box ON box (box);
DELETE FROM block WHERE box NOT IN (SELECT box FROM box);
CREATE INDEX block_gp ON block (side, n, box);
CREATE INDEX block_box ON block (box, side, n);
"""
_PAIRS = """
SELECT DISTINCT one.n, other.n FROM block one JOIN block other ON other.box = one.box AND other.side = 'dataverse'
WHERE one.side = 'gp' AND one.n BETWEEN ? AND ? ORDER BY one.n
"""
_KEEP = "INSERT OR IGNORE INTO candidate VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_RIVAL = f"(other.points > candidate.points - {MARGIN} OR (other.plausible AND NOT candidate.firm))"
_DECIDE = f"""
CREATE INDEX candidate_d ON candidate (d, points);
UPDATE candidate SET coupled = 1 WHERE rule <> ''
  AND NOT EXISTS (SELECT 1 FROM candidate other WHERE other.g = candidate.g AND other.d <> candidate.d AND {_RIVAL})
  AND NOT EXISTS (SELECT 1 FROM candidate other WHERE other.d = candidate.d AND other.g <> candidate.g AND {_RIVAL});
DELETE FROM candidate WHERE coupled = 0 AND (
  g IN (SELECT g FROM candidate WHERE coupled = 1) OR d IN (SELECT d FROM candidate WHERE coupled = 1));
"""
_CANDIDATES = """
SELECT g, d, points, words, rule FROM candidate JOIN record ON record.side = 'gp' AND record.n = g WHERE
"""
_ALONE = {
    "gp": "SELECT * FROM record WHERE side = ? AND n NOT IN (SELECT g FROM candidate) ORDER BY key",
    "dataverse": "SELECT * FROM record WHERE side = ? AND n NOT IN (SELECT d FROM candidate) ORDER BY key",
}


class Entry(NamedTuple):
    """One record to put in. `state`: a digest of all that may be shown of it; `stamp`: when it changed last, as ISO text,
    blank where nobody knows.
    """

    key: str
    traits: Traits
    values: dict[str, Value]
    state: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One record as it was put in."""

    key: str
    values: dict[str, Value]
    state: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Found:
    """A record of GP and one of Dataverse that may be, or with `rule` surely are, the same."""

    gp: Kept
    dataverse: Kept
    score: int
    words: str
    rule: str


class Scratch:
    """A file at `path` for one comparison. Use it as a context; whoever made the folder removes it."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path)
        self._crypt = Fernet(Fernet.generate_key())
        self._base.executescript(_TABLES)
        self._counts: dict[Side, int] = {"gp": 0, "dataverse": 0}
        self._shared: frozenset[int] = frozenset()
        self._customers: frozenset[int] = frozenset()
        self._traits_again = lru_cache(maxsize=20_000)(lambda d: self._traits("dataverse", d))

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, side: Side, entries: Iterable[Entry]) -> None:
        """Put records of one side in."""
        for entry in entries:
            n = self._counts[side]
            self._counts[side] += 1
            told = json.dumps({name: to_json(value) for name, value in entry.values.items()}, ensure_ascii=False)
            sealed = self._crypt.encrypt(told.encode())
            row = (side, n, entry.key, pickle.dumps(entry.traits), sealed, entry.state, entry.stamp)
            self._base.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            boxes = [(_mix(box), side, n) for box in blocks(entry.traits)]
            self._base.executemany("INSERT INTO block VALUES (?, ?, ?)", boxes)
            marks = [(side, _mix(f"{kind}:{value}"), n) for kind, value in signs(entry.traits)]
            self._base.executemany("INSERT OR IGNORE INTO sign VALUES (?, ?, ?)", marks)
            if side == "gp" and entry.traits.number:
                self._base.execute(
                    "INSERT OR IGNORE INTO customer VALUES (?)", (_mix(f"number:{entry.traits.number}"),)
                )
        self._base.commit()

    def add_customers(self, numbers: Iterable[str]) -> None:
        """Numbers of GP's records that are not put in."""
        rows = [(_mix(f"number:{compact(number)}"),) for number in numbers]
        self._base.executemany("INSERT OR IGNORE INTO customer VALUES (?)", rows)

    def count(self, side: Side) -> int:
        """How many records of a side were put in."""
        return self._counts[side]

    def couple_by_key(self, gp_key: str, dataverse_key: str) -> bool:
        """Couple two records because one holds the other's key; False when GP's is not here."""
        rows = [self._number("gp", gp_key), self._number("dataverse", dataverse_key)]
        if None in rows:
            return False
        self._base.execute(_KEEP, (*rows, BY_KEY, "its key", "its key", True, True, True))
        return True

    def is_shared(self, kind: str, value: str) -> bool:
        """Whether several records of one side have a sign."""
        return _mix(f"{kind}:{value}") in self._shared

    def is_customer(self, number: str) -> bool:
        """Whether a record of GP has this number."""
        return _mix(f"number:{number}") in self._customers

    def seal(self) -> None:
        """All records are in: make ready for comparing."""
        self._base.executescript(_INDEXES)
        self._shared = self._set("SELECT DISTINCT sign FROM sign GROUP BY side, sign HAVING count(*) > 1")
        self._customers = self._set("SELECT number FROM customer")

    def pairs(self, first: int, last: int) -> Iterator[tuple[int, Traits, int, Traits]]:
        """The pairs to compare of GP's records number `first` to `last`."""
        before, gp = -1, None
        for g, d in self._base.execute(_PAIRS, (first, last)):
            if g != before:
                before, gp = g, self._traits("gp", g)
            if gp:
                yield g, gp, d, self._traits_again(d)

    def keep(self, g: int, d: int, comparison: Comparison) -> None:
        """Keep a pair as a candidate, if it is worth a look."""
        if comparison.points >= CANDIDATE:
            told = (comparison.points, comparison.words, comparison.rule, comparison.firm, comparison.plausible)
            self._base.execute(_KEEP, (g, d, *told, False))

    def decide(self) -> None:
        """Couple what is sure and has no rival near; what is coupled is a candidate of nothing else."""
        self._base.executescript(_DECIDE)

    def couples(self) -> Iterator[Found]:
        """The sure ones, in the order of GP's keys."""
        return self._found("coupled = 1 ORDER BY record.key")

    def doubts(self) -> Iterator[Found]:
        """The best candidates of every record of GP that is not coupled, the best first."""
        return self._found("coupled = 0 ORDER BY record.key, points DESC, d")

    def alone(self, side: Side) -> Iterator[Kept]:
        """The records of a side that may be none of the other's."""
        for row in self._base.execute(_ALONE[side], (side,)):
            yield self._kept(row)

    def _found(self, where: str) -> Iterator[Found]:
        shown = 0
        before = -1
        for g, d, points, words, rule in self._base.execute(_CANDIDATES + where):
            shown = shown + 1 if g == before else 1
            before = g
            if shown <= MOST_DOUBTS:
                yield Found(self._get("gp", g), self._get("dataverse", d), min(points, MOST), words, rule)

    def _get(self, side: Side, n: int) -> Kept:
        return self._kept(self._base.execute("SELECT * FROM record WHERE side = ? AND n = ?", (side, n)).fetchone())

    def _number(self, side: Side, key: str) -> int | None:
        row = self._base.execute("SELECT n FROM record WHERE side = ? AND key = ?", (side, key)).fetchone()
        return int(row[0]) if row else None

    def _traits(self, side: Side, n: int) -> Traits:
        row = self._base.execute("SELECT traits FROM record WHERE side = ? AND n = ?", (side, n)).fetchone()
        traits: Traits = pickle.loads(row[0])
        return traits

    def _kept(self, row: tuple[Side, int, str, bytes, bytes, str, str]) -> Kept:
        _, _, key, _, told, state, stamp = row
        values = {name: from_json(value) for name, value in json.loads(self._crypt.decrypt(told)).items()}
        return Kept(key, values, state, stamp)

    def _set(self, query: str) -> frozenset[int]:
        return frozenset(row[0] for row in self._base.execute(query))


def _mix(text: str) -> int:
    """A number of 63 bits for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1
