"""What a pair's mapping file may say, as pydantic models. What the words mean is in `docs/reference/mapping.md`."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

type Owner = Literal["gp", "d365", "latest", "review"]
type Side = Literal["gp", "d365"]
"""The two sides of a pair. On the second one stands Dataverse, Finance or Business Central."""

type FirstSync = Literal["owner", "newest", "gp", "d365", "fill", "review"]
type Edits = Literal["leave", "request", "revert"]
type Policy = Literal["park", "deactivate", "ignore"]
type Plain = bool | int | Decimal | str


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Join(_Model):
    """A GP table beside the pair's own. `on`: its column -> column of the pair's table; `where`: its column -> value;
    `new`: its key column -> what a row gets there that Dataverse fills first, where GP names none yet.
    """

    table: str
    on: dict[str, str] = Field(min_length=1)
    where: dict[str, str] = Field(default_factory=dict)
    otherwise: Literal["main"] | None = None
    new: dict[str, str] = Field(default_factory=dict)
    feed: bool = True


def _listed(value: object) -> object:
    """A key of one column."""
    return (value,) if isinstance(value, str) else value


class GpSide(_Model):
    """`identity`: the column that stays when GP's key of a record is changed, where there is one. `scope`: which records take
    part, a JSONata condition over GP's columns.
    """

    entity: str
    table: str
    key: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(min_length=1)
    identity: str | None = None
    mark: Literal["INTEGRATIONID", "GPSFOINTEGRATIONID"] = "INTEGRATIONID"
    joins: dict[str, Join] = Field(default_factory=dict)
    scope: str | None = None


class Link(_Model):
    """A reference of the parent to one of its children, which the parent gets where it has none: the parent's column in
    Dataverse, and for which child, a JSONata condition over GP's columns.
    """

    dataverse: str
    when: str


class Parent(_Model):
    """The record that one belongs to: of which pair, by which columns of the own key, and the reference that leads to it in
    Dataverse (`parentid_account`). `link` is the way back from it.
    """

    pair: str
    gp: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(min_length=1)
    dataverse: str
    link: Link | None = None

    @property
    def attribute(self) -> str:
        """The Dataverse column that refers to it."""
        return self.dataverse.rpartition("_")[0]

    @property
    def entity(self) -> str:
        """The Dataverse table that it stands in."""
        return self.dataverse.rpartition("_")[2]


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


class EvidencePlace(_Model):
    """One address of a record, by attributes."""

    postal_code: str = ""
    city: str = ""
    street: str = ""


class Evidence(_Model):
    """The attributes that tell who a record is: what `python -m sync match` compares."""

    name: str = ""
    number: str = ""
    tax_id: str = ""
    phone: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    website: tuple[str, ...] = ()
    places: tuple[EvidencePlace, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """All of them."""
        places = (name for place in self.places for name in (place.postal_code, place.city, place.street))
        named = (self.name, self.number, self.tax_id, *self.phone, *self.email, *self.website, *places)
        return tuple(filter(None, named))


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


class OnDelete(_Model):
    """What becomes of a record when its counterpart was deleted in GP, or in Dataverse (`d365`)."""

    gp: Policy = "park"
    d365: Policy = "park"


def _of_gp(value: object) -> object:
    """`park` alone speaks of GP's deletes."""
    return {"gp": value} if isinstance(value, str) else value


class Ids(_Model):
    """How the GP id of a new record is made: from its name (`letters` of it and a counter of `digits`), from a number it
    has, or by the JSONata expression `expr`. `of`: the Dataverse attribute that holds the name or number.
    """

    by: Literal["name", "number", "expr"] = "name"
    of: str | None = None
    letters: int = Field(8, ge=1, le=14)
    digits: int = Field(4, ge=1, le=9)
    expr: str | None = None

    @model_validator(mode="after")
    def _says_where_from(self) -> "Ids":
        if (self.by == "expr") != (self.expr is not None):
            raise ValueError("expr belongs to `by: expr`, and is needed there")
        return self

    @property
    def attribute(self) -> str:
        """The attribute that holds the name or number."""
        return self.of or {"name": "name", "number": "accountnumber"}.get(self.by, "")


class FieldRule(_Model):
    """One Dataverse attribute and how it is made: from the column(s) `gp`, or by the JSONata expression `expr`."""

    dataverse: str = Field(description="The Dataverse attribute that is filled, by logical name.")
    gp: str | tuple[str, ...] | None = Field(
        None, description="The GP column it comes from (`CITY`, `bill_to.CITY`), or a list of them."
    )
    expr: str | None = Field(None, description="Instead of `gp`: a JSONata expression over the columns it names.")
    back: dict[str, str] = Field(
        default_factory=dict,
        description="The way back of an `expr`: for each GP column a JSONata expression over Dataverse attributes.",
    )
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
        "gp",
        description="Who wins when both sides changed: `gp`, `d365`, `review` by a person, or `latest`: who changed the record last, "
        "by the stamps of both systems; a person where they lie within two minutes, where one may tell of a write of ours, or "
        "where the column is not of GP's main table.",
    )
    one_way: Side | None = Field(
        None, description="The side it comes from, when it has no way back; the pair's if not named."
    )
    edits: Edits | None = Field(
        None,
        description="For a one-way field: what becomes of an edit on the other side. `revert`: its source's value is "
        "written again (if not named); `leave`: nothing; `request`: a person is asked.",
    )
    secret: bool = Field(
        False,
        description="`true`: its values are masked in every log, message, ledger line and page. The crosswalk keeps them, "
        "to compare the next ones with.",
    )
    first_sync: FirstSync | None = Field(
        None,
        description="When a record is coupled that was there already: whose value holds (`d365`: until GP's changes), "
        "`owner`'s, the `newest`, `fill` only what is empty, or `review`: parked while both are filled and differ; the "
        "pair's if not named. By none of them a blank replaces a value.",
    )
    too_long: Literal["refuse", "truncate"] | None = Field(
        None,
        description="What becomes of a text that is too long. Must be said where the column is longer than the attribute; "
        "on the way back it is refused if not named.",
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
        if self.back and self.expr is None:
            raise ValueError("`back` belongs to `expr`; what comes from columns goes back by its converter")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.gp,) if isinstance(self.gp, str) else self.gp or ()


class PairRules(_Model):
    """A whole file."""

    pair: str = Field(description="The pair's name, which is the file's.")
    enabled: bool = Field(
        True, description="`false`: nothing of the pair is done, until an overlay says `enabled: true`."
    )
    one_way: Side | None = Field(None, description="The side every field comes from that names none itself.")
    gp: GpSide = Field(description="The GP table, its key, the tables joined to it.")
    dataverse: DataverseSide = Field(description="The Dataverse table, its key and mark column, columns of our own.")
    scope: str | None = Field(
        None,
        description="Which Dataverse records take part: a JSONata condition over its attributes. Left out: all. A record "
        "that is coupled already goes on taking part.",
    )
    company: str | None = Field(
        None,
        description="Which company a Dataverse record belongs to: a JSONata expression that gives its id. None, or two, "
        "parks the record. Left out: the only company there is. A record that holds our key names its company by that.",
    )
    cardinality: Literal["account_per_company", "shared_account"] = Field(
        "account_per_company",
        description="`account_per_company`: a Dataverse record belongs to one company. `shared_account`: to each that "
        "`company` names (a list).",
    )
    approve: Literal["create", "always", "never"] = Field(
        "create",
        description="What waits for a person's yes before it is written to GP: a new record, everything, or nothing.",
    )
    ids: Ids | None = Field(
        None,
        description="How the GP id of a new record is made; eight letters of its name and four digits if not named. Of a record "
        "with a `parent`: the part of its key that the parent does not have.",
    )
    on_delete: Annotated[OnDelete, BeforeValidator(_of_gp)] = Field(
        OnDelete(),
        description="What becomes of a record whose counterpart was deleted in GP (`gp`) or in Dataverse (`d365`): `park`, "
        "`deactivate` or `ignore`. One word alone speaks of GP. It acts when the record is missing still ten minutes later.",
    )
    parent: Parent | None = Field(
        None,
        description="The record that one belongs to: `pair`, the columns of the own key that hold its key (`gp`), and the "
        "reference to it (`dataverse`). A record waits until its parent is coupled, and is of its company. `link`: a reference that "
        "the parent gets to one of its records.",
    )
    on_leave: Literal["park", "ignore"] = Field(
        "park",
        description="What becomes of a coupled record that takes no part any more by `gp: scope`: `park`, or `ignore`: its "
        "counterpart stays as it is.",
    )
    person: tuple[str, ...] = Field(
        (),
        description="The attributes that name a person. When GP names another one, the record is parked: its counterpart is "
        "not renamed unless somebody says that it is the same person.",
    )
    brake: Brake = Field(Brake(), description="How much of the known records may go within an hour.")
    region: str = Field("US", pattern="^[A-Z]{2}$", description="The country GP's short phone numbers are in.")
    lookups: dict[str, dict[str, Plain]] = Field(
        default_factory=dict, description="Tables of GP codes and what they are in Dataverse."
    )
    match: tuple[MatchRule, ...] = Field((), description="How records are found that were there before GP365.")
    first_sync: Literal["report", "owner", "newest"] = Field(
        "report",
        description="What happens when a record is found that was there before GP365: `report`: a person couples, by the "
        "match report or one by one, and the owner's value holds; `owner`, `newest`: the rules couple, and that value holds.",
    )
    evidence: Evidence = Field(
        Evidence(),
        description="The attributes that tell who a record is, for `match` and for a key that was changed in GP.",
    )
    fields: tuple[FieldRule, ...] = Field(min_length=1, description="The fields.")
