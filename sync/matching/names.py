"""Company names as people type them: without legal form, in any order of words, abbreviated, mistyped."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from cleanco import basename
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

_NO_WORD = re.compile(r"[^\w]+")
_INITIALS = re.compile(r"\b(\w)(?: (\w)\b)+")
_LITTLE = frozenset(
    ["and", "the", "of", "for", "und", "et", "y", "e", "de", "der", "die", "das", "des", "la", "le", "les", "el"]
)
_LONG = {
    "assn": "association",
    "assoc": "associates",
    "bros": "brothers",
    "co": "company",
    "ctr": "center",
    "centre": "center",
    "dist": "distribution",
    "eng": "engineering",
    "grp": "group",
    "hosp": "hospital",
    "ind": "industries",
    "inds": "industries",
    "intl": "international",
    "mfg": "manufacturing",
    "mgmt": "management",
    "mkt": "market",
    "natl": "national",
    "svc": "services",
    "svcs": "services",
    "service": "services",
    "tech": "technologies",
    "univ": "university",
}
_FORMS = {"incorporated": "inc", "corporation": "corp", "company": "co", "limited": "ltd"}
_ABBREVIATED = 3
"""So many letters at least stand for a longer word that begins with them."""


class Likeness(IntEnum):
    """How much two names say the same."""

    OTHER = 0
    KIN = 1  # a part of one is a part of the other
    PART = 2  # one says all that the other says, and more
    CLOSE = 3  # every word has its counterpart, some mistyped or abbreviated
    SAME = 4


@dataclass(frozen=True, slots=True)
class Name:
    """`words` in small plain letters, without legal form and little words, in their order. `forms`: the legal forms that
    it names, in one spelling.
    """

    words: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset()


def read_name(text: str) -> Name:
    """The name in a text. One that is nothing but a legal form keeps its words."""
    shown = " ".join(text.split())
    if not shown:
        return Name()
    core = basename(shown) or shown
    return Name(_words(core), _forms(shown.removeprefix(core)))


def likeness(one: Name, other: Name) -> Likeness:
    """How alike two names are, whatever the order of their words."""
    if not one.words or not other.words:
        return Likeness.OTHER
    left, right = list(one.words), list(other.words)
    shared = take(left, right, lambda a, b: a == b)
    exact = not left and not right
    if exact or "".join(one.words) == "".join(other.words):
        return Likeness.SAME
    close = take(left, right, _near)
    if not left and not right:
        return Likeness.CLOSE
    if not left or not right:
        return Likeness.PART
    return Likeness.KIN if shared + close and _alike(one, other) else Likeness.OTHER


def other_form(one: Name, other: Name) -> bool:
    """Whether both say what legal form they have, and it is not the same."""
    return bool(one.forms and other.forms and not one.forms & other.forms)


def take(left: list[str], right: list[str], fits: Callable[[str, str], bool]) -> int:
    """Removes from both lists the words that fit one another; how many."""
    taken = 0
    for word in list(left):
        found = next((each for each in right if fits(word, each)), None)
        if found is not None:
            left.remove(word)
            right.remove(found)
            taken += 1
    return taken


@lru_cache(maxsize=65_536)
def _near(one: str, other: str) -> bool:
    """Whether one may be the other mistyped or abbreviated. A word with a digit in it is exact or another one."""
    if any(char.isdigit() for char in one + other):
        return False
    short, long = sorted((one, other), key=len)
    if _ABBREVIATED <= len(short) < len(long) and long.startswith(short):
        return True
    allowed = 2 if len(short) >= 8 else 1 if len(short) >= 5 else 0
    return allowed > 0 and OSA.distance(one, other, score_cutoff=allowed) <= allowed


def _alike(one: Name, other: Name) -> bool:
    return fuzz.token_sort_ratio(" ".join(one.words), " ".join(other.words)) >= 60


def _forms(tail: str) -> frozenset[str]:
    """The legal forms in the words that are none of the name's own."""
    words = (plain_text(word).replace(" ", "") for word in tail.split())
    return frozenset(_FORMS.get(word, word) for word in words if word and word not in _LITTLE)


def _words(text: str) -> tuple[str, ...]:
    plain = plain_text(text)
    joined = _INITIALS.sub(lambda found: found[0].replace(" ", ""), plain)
    words = tuple(_LONG.get(word, word) for word in joined.split() if word not in _LITTLE)
    return words or tuple(joined.split())


def plain_text(text: str) -> str:
    """Small letters without accents, words parted by one blank, no signs."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    letters = "".join(char for char in folded if not unicodedata.combining(char))
    return _NO_WORD.sub(" ", letters).replace("_", " ").strip()
