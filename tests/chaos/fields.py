"""The fields that people edit in a campaign, as each side spells them. Knows no code of the app.

A value is a number; what it looks like on either side follows from it, and from the tag of its record where names must
not meet by chance.
"""

from collections.abc import Callable
from dataclasses import dataclass

MAIN = "PRIMARY"
"""The address that every customer of a campaign has."""


@dataclass(frozen=True)
class Field:
    """`attribute` in Dataverse; `column` of `table` in GP, `parameter` of eConnect's customer procedure, blank without one."""

    attribute: str
    table: str
    column: str
    parameter: str
    gp: Callable[[str, int], str]
    d365: Callable[[str, int], str]


def _same(make: Callable[[str, int], str]) -> tuple[Callable[[str, int], str], Callable[[str, int], str]]:
    return make, make


FIELDS = (
    Field("name", "RM00101", "CUSTNAME", "CUSTNAME", *_same(lambda tag, n: f"{tag} v{n}")),
    Field(
        *("telephone1", "RM00101", "PHONE1", "PHNUMBR1"),
        lambda _, n: f"4145550{n % 1000:03}0000",
        lambda _, n: f"+1 414-555-0{n % 1000:03}",
    ),
    Field("address1_city", "RM00102", "CITY", "CITY", *_same(lambda _, n: f"City {n}")),
    Field("address1_line1", "RM00102", "ADDRESS1", "ADDRESS1", *_same(lambda _, n: f"{n} Oak Street")),
    Field("emailaddress1", "SY01200", "INET1", "", *_same(lambda _, n: f"box{n}@example.com")),
)
BY_NAME = {field.attribute: field for field in FIELDS}
BORN_WITH = tuple(field for field in FIELDS if field.parameter)
"""What a new record of either side holds from the start."""
