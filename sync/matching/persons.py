"""Names of people: whether two may be one person's, mistyped, shortened, or with their words in another order."""

from rapidfuzz.distance import OSA

from sync.matching.names import plain_text, take

_SHORT, _LONG = 5, 8
"""From so many letters on a word may hold one wrong letter, or two."""


def may_be_same(one: str, other: str) -> bool:
    """Whether each word of the shorter name is in the other: the same, mistyped, or its initial, and not by initials alone.

    It says no rather than yes: Mario and Maria are no typing mistake, nor are Jan and Jon, nor Rob and Robert.
    """
    left, right = plain_text(one).split(), plain_text(other).split()
    if not left or not right:
        return one.strip() == other.strip()
    words = take(left, right, lambda a, b: a == b) + take(left, right, _is_typo)
    take(left, right, _is_initial)
    return words > 0 and not (left and right)


def _is_typo(one: str, other: str) -> bool:
    """In a short word only a letter left out. The last letter often tells a man from a woman, so it must be the same."""
    short, long = sorted((one, other), key=len)
    if short[-1] != long[-1] or any(char.isdigit() for char in one + other):
        return False
    if len(short) < _SHORT:
        return len(short) >= _SHORT - 2 and len(long) == len(short) + 1 and OSA.distance(short, long) == 1
    return OSA.distance(short, long) <= (2 if len(short) >= _LONG else 1)


def _is_initial(one: str, other: str) -> bool:
    return min(len(one), len(other)) == 1 and one[0] == other[0]
