"""What a pair's mapping file may say, as pydantic models. What the words mean is in `docs/reference/mapping.md`."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

type Owner = Literal["gp", "d365", "latest", "review"]
type Side = Literal["gp", "d365"]
type FirstSync = Literal["gp", "d365", "fill", "review"]
type Plain = bool | int | Decimal | str


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Join(_Model):
    """A GP table beside the pair's own. `on`: its column -> column of the pair's table; `where`: its column -> value."""

    table: str
    on: dict[str, str] = Field(min_length=1)
    where: dict[str, str] = Field(default_factory=dict)
    otherwise: Literal["main"] | None = None
    feed: bool = True


class GpSide(_Model):
    entity: str
    table: str
    key: str
    identity: str
    joins: dict[str, Join] = Field(default_factory=dict)


class Column(_Model):
    """A column of our own in Dataverse, made by `python -m sync provision`."""

    type: Literal["String", "Memo", "Integer", "Decimal", "Money", "Boolean", "DateTime", "Picklist"]
    label: str
    max_length: int | None = Field(None, alias="maxLength", ge=1)
    options: dict[int, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _text_has_a_length(self) -> "Column":
        if (self.type in {"String", "Memo"}) != (self.max_length is not None):
            raise ValueError("maxLength belongs to String and Memo, and is needed there")
        return self


class DataverseSide(_Model):
    """`options` declares choices an installation added to Dataverse's own columns: column -> number -> label. `shown_by`
    are the attributes by which people know a record.
    """

    entity: str
    set: str
    id: str
    key: str
    mark: str
    columns: dict[str, Column] = Field(default_factory=dict)
    options: dict[str, dict[int, str]] = Field(default_factory=dict)
    shown_by: tuple[str, ...] = ()


class MatchRule(_Model):
    """Records that hold the same in all attributes of `by` are coupled, or parked for a person to say."""

    by: tuple[str, ...] = Field(min_length=1)
    then: Literal["couple", "park"]


_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)%", re.ASCII)


def _share(value: object) -> object:
    """5% as 0.05."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if found is None or Decimal(found[1]) > 100:
        raise ValueError(f"{value} is no share of the known records: write 0% to 100%, such as 5%")
    return Decimal(found[1]) / 100


type Share = Annotated[Decimal, BeforeValidator(_share)]


class Brake(_Model):
    """How much may happen to the known records within an hour before the flow is paused. 100% is no brake."""

    deletes: Share = Decimal("0.05")
    changes: Share = Decimal("0.5")
    at_least: int = Field(20, ge=1)


class FieldRule(_Model):
    """One Dataverse attribute and how it is made: from the column(s) `gp`, or by the JSONata expression `expr`."""

    dataverse: str = Field(description="The Dataverse attribute that is filled, by logical name.")
    gp: str | tuple[str, ...] | None = Field(
        None, description="The GP column it comes from (`CITY`, `bill_to.CITY`), or a list of them."
    )
    expr: str | None = Field(None, description="Instead of `gp`: a JSONata expression over the columns it names.")
    converter: str | None = Field(
        None, description="How the value is turned; `option` for choices and `trim` for the rest if not named."
    )
    lookup: str | None = Field(None, description="The table under `lookups` that turns GP's code into the value.")
    when: str | None = Field(
        None, description="A JSONata condition; where it does not hold, the attribute is left as it is."
    )
    default: Plain | None = Field(None, description="The value when GP's is empty.")
    required: bool = Field(False, description="`true`: a record without a value is parked.")
    owner: Owner = Field(
        "gp", description="Who wins when both sides changed: `gp`, `d365`, `latest`, or `review` by a person."
    )
    one_way: Side | None = Field(
        None, description="The side it comes from, when it has no way back; the pair's if not named."
    )
    secret: bool = Field(
        False,
        description="`true`: its values are masked in every log, message, ledger line and page. The crosswalk keeps them, "
        "to compare the next ones with.",
    )
    first_sync: FirstSync = Field(
        "gp",
        description="When a record is coupled that was there already: whose value holds (`d365`: until GP's changes), "
        "`fill` only what is empty, or `review`: parked while both are filled and differ.",
    )
    too_long: Literal["refuse", "truncate"] | None = Field(
        None, description="What becomes of a text longer than the attribute. Must be said where the column is longer."
    )
    region: str | None = Field(
        None,
        pattern="^[A-Z]{2}$",
        description="For `phone`: the country its short numbers are in; the pair's if not named.",
    )
    format: Literal["international", "national"] | None = Field(
        None, description="For `phone`: `international` (+1 414-555-0145) or `national` ((414) 555-0145)."
    )
    item: int | None = Field(None, ge=1, le=9, description="For `email`: which address of the list, counted from 1.")

    @model_validator(mode="after")
    def _has_one_source(self) -> "FieldRule":
        if (self.gp is None) == (self.expr is None) or self.gp == ():
            raise ValueError("name its source: either gp or expr")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.gp,) if isinstance(self.gp, str) else self.gp or ()


class PairRules(_Model):
    """A whole file."""

    pair: str
    one_way: Side | None = None
    gp: GpSide
    dataverse: DataverseSide
    on_delete: Literal["park", "deactivate", "ignore"] = "park"
    brake: Brake = Brake()
    region: str = Field("US", pattern="^[A-Z]{2}$")
    lookups: dict[str, dict[str, Plain]] = Field(default_factory=dict)
    match: tuple[MatchRule, ...] = ()
    fields: tuple[FieldRule, ...] = Field(min_length=1)
