"""What people did in a history, as far as they know it themselves: the measure of what must be found at its end."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

type Side = Literal["gp", "d365"]


@dataclass
class Truth:
    """By the number of a partner: the records that people `made` on a side or took away from it (`gone`), those that were
    `merged` into another, and by attribute and side the values given last. More than one where a person got no answer, or could not
    tell what came first.
    """

    made: set[tuple[int, Side]] = field(default_factory=set)
    gone: set[tuple[int, Side]] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)
    given: dict[tuple[int, str, Side], list[int]] = field(default_factory=lambda: defaultdict(list))
    before: dict[tuple[int, str, Side], int] = field(default_factory=dict)
    operations: int = 0

    def gives(self, partner: int, side: Side, attribute: str, value: int, *, sure: bool = True) -> None:
        """A person gave a field a value."""
        name = (partner, attribute, side)
        if self.given[name]:
            self.before[name] = self.given[name][-1]
        self.given[name] = [value] if sure else [*self.given[name], value]

    def edited(self, partner: int, side: Side) -> bool:
        """Whether a field of the record was given a second value there."""
        return any(number == partner and where == side for number, _, where in self.before)

    def last(self, partner: int, attribute: str) -> set[int]:
        """What the field may hold in the end: what either side gave it last."""
        return {value for side in ("gp", "d365") for value in self.given.get((partner, attribute, side), ())}
