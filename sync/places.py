"""What GP holds of a record, and in which row its paths live."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.mapping_model import GpSide
from sync.value import Value


@dataclass(frozen=True)
class Present:
    """What GP holds of a record, by path. Of a `new` one, what it would hold if nothing were written."""

    values: Mapping[str, Value]
    new: bool


def key_paths(gp: GpSide, alias: str) -> list[str]:
    """The paths that tell which row of a joined table it is; the first is None only when there is no such row."""
    return [f"{alias}.{column}" for column in gp.joins[alias].on]


def home(gp: GpSide, path: str, present: Present) -> str:
    """The path where a value is written: in the pair's own table when that stands in for a row that doesn't exist."""
    alias, _, column = path.rpartition(".")
    stands_in = alias and gp.joins[alias].otherwise and present.values[key_paths(gp, alias)[0]] is None
    return column if stands_in and not present.new else path
