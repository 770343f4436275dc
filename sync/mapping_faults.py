"""What pydantic finds wrong in a mapping file, in our words."""

from pydantic import ValidationError

from sync.mapping_file import MappingFault
from sync.mapping_model import (
    Brake,
    Column,
    DataverseSide,
    Evidence,
    EvidencePlace,
    FieldRule,
    GpSide,
    Ids,
    Join,
    MatchRule,
    OnDelete,
    PairRules,
)
from sync.schema import did_you_mean


def model_faults(error: ValidationError) -> list[MappingFault]:
    """One fault for each."""
    return [_fault(each["loc"], each["type"], each["msg"]) for each in error.errors()]


def _fault(where: tuple[str | int, ...], kind: str, text: str) -> MappingFault:
    if kind == "extra_forbidden":
        return MappingFault(where, f"this word is unknown{did_you_mean(str(where[-1]), _WORDS)}")
    return MappingFault(where, text.removeprefix("Value error, "))


_WORDS = frozenset(
    field.alias or name
    for model in (
        PairRules,
        OnDelete,
        Ids,
        Brake,
        GpSide,
        Join,
        DataverseSide,
        Column,
        MatchRule,
        Evidence,
        EvidencePlace,
        FieldRule,
    )
    for name, field in model.model_fields.items()
)
