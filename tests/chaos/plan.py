"""One history as a plan: who is there, what people do, what goes wrong and when. Everything follows from its seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from tests.chaos.fields import BORN_WITH, FIELDS, Field
from tests.chaos.troubles import BY_SEAM, TROUBLES, Trouble

type Born = Literal["gp", "d365", "both"]

COMPANIES = ("TWO", "THREE")
RECORDS = (20, 50)
OPERATIONS = (50, 200)
SHORT = 10
"""How much more often histories are short than long; at 1 every length is as frequent."""

TROUBLES_A_HISTORY = (5, 7)
KILLED = 5
"""In one history of so many the app is killed, again and again."""

KILLS = 6
"""At so many seams, in a history in which it is killed at all."""

AFTER_A_POLL = 2.5
"""Seconds after which somebody decides for the first time: what people typed so far has come to wait for it."""

KINDS = {
    "edit gp": 18,
    "raw gp": 8,
    "edit d365": 24,
    "both same": 10,
    "both different": 8,
    "revert": 6,
    "inactivate gp": 3,
    "inactivate d365": 2,
    "delete gp": 2,
    "delete d365": 2,
    "merge": 1,
    "many gp": 1,
    "many d365": 2,
    "decide": 2,
    "collide": 2,
}
"""What people do, and how often beside the others."""


@dataclass(frozen=True)
class Setting:
    """How the pair is set in a history."""

    approve: Literal["never", "create", "always"]
    owner: Literal["gp", "d365", "review"]
    gone_in_gp: Literal["park", "deactivate", "ignore"]
    gone_in_d365: Literal["park", "deactivate", "ignore"]
    first_sync: Literal["report", "owner", "newest"]
    hosts: int
    capitals: bool
    post: bool
    bulk: Literal["batch", "multiple"]


@dataclass(frozen=True)
class Partner:
    """A business partner that one side knows from the start, or both, or nobody yet (`there` is false)."""

    number: int
    tag: str
    company: str
    born: Born
    there: bool
    numbered: bool
    gp: int
    d365: int

    @property
    def key(self) -> str:
        """The id that a clerk gives it."""
        return f"{self.tag}0001".upper()


@dataclass(frozen=True)
class Step:
    """One thing that happens, `pause` seconds after the one before. `partner` and `other` are numbers of partners, `fields`
    attributes, `value` the number that is typed; `seam` what goes wrong instead, from its `skip`-th crossing on.
    """

    kind: str
    pause: float = 0
    partner: int = 0
    other: int = 0
    fields: tuple[str, ...] = ()
    value: int = 0
    side: Literal["gp", "d365"] = "gp"
    seam: str = ""
    skip: int = 0


@dataclass(frozen=True)
class History:
    seed: int
    setting: Setting
    partners: tuple[Partner, ...]
    steps: tuple[Step, ...]

    @property
    def populated(self) -> bool:
        return any(partner.there for partner in self.partners)

    @property
    def deeds(self) -> set[str | None]:
        """What is done by hand in it."""
        return {BY_SEAM[step.seam].deed for step in self.steps if step.seam}

    def keeping(self, steps: Sequence[Step]) -> Self:
        """The same history with these of its steps only."""
        return replace(self, steps=tuple(steps))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(
            stored["seed"],
            Setting(**stored["setting"]),
            tuple(Partner(**each) for each in stored["partners"]),
            tuple(Step(**each | {"fields": tuple(each["fields"])}) for each in stored["steps"]),
        )


def plan(seed: int) -> History:
    """The history of a seed. The last digit says whether it is one of the few with a restart, a restored company, a copy."""
    rng = random.Random(seed)
    populated = seed % 2 == 1
    partners = tuple(_partner(rng, number, populated=populated) for number in range(_many(rng, *RECORDS)))
    births = [] if populated else _births(partners, rng)
    steps = [_step(rng, partners, value) for value in range(1, _many(rng, *OPERATIONS) - len(births) + 1)]
    steps[len(steps) // 4] = Step("decide", pause=AFTER_A_POLL)
    steps = [*births, *steps]
    for trouble in _troubles(rng, seed):
        steps.insert(rng.randint(1, max(1, len(steps) // 2)), _of(rng, trouble))
    return History(seed, _setting(rng), partners, tuple(steps))


def _many(rng: random.Random, least: int, most: int) -> int:
    """A number between the two, few far more often than many: a long history says little more than a short one, and takes longer."""
    return least + round((most - least) * rng.random() ** SHORT)


def _setting(rng: random.Random) -> Setting:
    pick = rng.choice
    return Setting(
        approve=pick(["never", "never", "create", "create", "always"]),
        owner=pick(["gp", "gp", "d365", "review"]),
        gone_in_gp=pick(["park", "deactivate", "ignore"]),
        gone_in_d365=pick(["park", "deactivate", "ignore"]),
        first_sync=pick(["report", "owner", "newest"]),
        hosts=pick([*[1] * 9, 2]),
        capitals=pick([False, False, True]),
        post=pick([False, False, True]),
        bulk=pick(["batch", "batch", "multiple"]),
    )


def _partner(rng: random.Random, number: int, *, populated: bool) -> Partner:
    born: Born = rng.choice(("gp", "d365", "both") if populated else ("gp", "d365"))
    same = rng.random() < 0.6
    return Partner(
        number,
        f"{rng.choice(('Kilo', 'Lima', 'Mike', 'Nora'))}{chr(65 + number // 26)}{chr(65 + number % 26)}",
        rng.choice(COMPANIES),
        born,
        there=populated and rng.random() < 0.8,
        numbered=rng.random() < 0.8,
        gp=800 + number,
        d365=800 + number if same else 900 + number,
    )


def _births(partners: Sequence[Partner], rng: random.Random) -> list[Step]:
    """Half of the partners of an empty pair of systems are typed before anything else, the others when they are first edited."""
    return [Step("make", rng.choice((0, 0.02)), partner.number) for partner in partners if rng.random() < 0.5]


def _step(rng: random.Random, partners: Sequence[Partner], value: int) -> Step:
    kind = rng.choices(list(KINDS), weights=list(KINDS.values()))[0]
    one, other = rng.sample(range(len(partners)), 2)
    return Step(
        kind,
        pause=rng.choice((0, 0, 0, 0.01, 0.05, 0.1)),
        partner=one,
        other=other,
        fields=tuple(field.attribute for field in rng.sample(_fields(kind), 2)),
        value=value,
        side=rng.choice(("gp", "d365")),
    )


def _fields(kind: str) -> Sequence[Field]:
    """A clerk's procedure takes no e-mail; raw SQL may change any column."""
    return BORN_WITH if kind in ("edit gp", "both same", "both different", "many gp") else FIELDS


def _troubles(rng: random.Random, seed: int) -> list[Trouble]:
    rare = [trouble for trouble in TROUBLES if trouble.every > 1 and _is_due(trouble, seed)]
    kills = [trouble for trouble in TROUBLES if trouble.kills]
    often = [trouble for trouble in TROUBLES if trouble.every == 1 and not trouble.kills]
    killed = rng.sample(kills, KILLS) if seed % KILLED == 0 else []
    return [*killed, *rng.sample(often, rng.randint(*TROUBLES_A_HISTORY)), *rare]


def _is_due(trouble: Trouble, seed: int) -> bool:
    """Restarts come together; a restored company and a copied environment have a history each."""
    turn = {"restart": 2, "restore": 4, "copy": 6}[str(trouble.deed)]
    return seed % trouble.every == turn


def _of(rng: random.Random, trouble: Trouble) -> Step:
    """The first crossings are struck: later ones might never come."""
    return Step(trouble.seam, seam=trouble.seam, skip=rng.choice((0, 0, 1, 2)) if trouble.often else 0)
