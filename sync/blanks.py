"""Which side alone holds something for a field when two records meet: what is empty says nothing against it. Pure."""

from collections.abc import Mapping as Table
from decimal import Decimal

from sync.mapping import Halves, MappedField, Mapping
from sync.mapping_model import Side
from sync.value import Value

type Values = Table[str, Value]

BLANK = (None, "")


def only_filled(
    mapping: Mapping, lookups: Table[str, Table[str, Value]], gp: Values, dataverse: Values
) -> dict[str, Side]:
    """By attribute the only side that holds something; fields that both hold, or neither, are left out."""
    made, halves = mapping.convert(gp, lookups).fields, mapping.gp_halves(gp)
    held = {
        field.name: (_says(field, gp, made.get(field.name), halves[field.name]), dataverse.get(field.name) not in BLANK)
        for field in mapping.fields
    }
    return {name: "gp" if in_gp else "d365" for name, (in_gp, there) in held.items() if in_gp != there}


def _says(field: MappedField, gp: Values, made: Halves | None, half: Value) -> bool:
    """Whether GP says something. Its numbers always do: unlimited credit is empty in Dataverse, and no blank."""
    if any(isinstance(gp.get(path), int | Decimal) for path in field.paths):
        return True
    return (made.target if made else half) not in BLANK
