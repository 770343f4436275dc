"""Phone numbers between GP and Dynamics 365.

GP keeps what its input mask collects: ten digits and a four-digit extension, `41455501450000` for (414) 555-0145 without
an extension; an empty mask is all zeros. People also type free text, foreign numbers above all. A number is rewritten
only when it is surely understood and no digit is lost; anything else stays as typed.
"""

import re
from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

type Style = Literal["international", "national"]

_STYLES = {"international": PhoneNumberFormat.INTERNATIONAL, "national": PhoneNumberFormat.NATIONAL}
_MASK = re.compile(r"([2-9]\d{2}[2-9]\d{6})(\d{4})?")
_PLAIN = re.compile(r"[\d\s().+-]*\d(\s*(x|ext)\.?\s*\d+)?", re.IGNORECASE)
_NO_EXTENSION = "0000"

GP_LENGTH = 21
"""GP's phone columns have so many characters."""


def to_d365(typed: str, region: str, style: Style) -> str | None:
    """The number as a person dials it; None for an empty one. `region` is the ISO country GP's short numbers are in."""
    text = typed.strip()
    if not text.strip("0"):
        return None
    number = _masked(text, region) or _parsed(text, region)
    return phonenumbers.format_number(number, _STYLES[style]) if number else text


def to_gp(shown: str | None, region: str) -> str:
    """The digits GP keeps where the number fits its mask. Else the text as it is, or shortened to `+14145550145x123` when
    it is longer than GP's column. The inverse of `to_d365`.
    """
    typed = shown or ""
    number = _parsed(typed, region)
    if number is None:
        return typed
    return _in_mask(number, region) or (_short(number) if len(typed) > GP_LENGTH else typed)


def _in_mask(number: PhoneNumber, region: str) -> str | None:
    if number.country_code != 1 or not _has_mask(region):
        return None
    digits = phonenumbers.national_significant_number(number)
    extension = number.extension or _NO_EXTENSION
    return digits + extension if _MASK.fullmatch(digits) and len(extension) == 4 else None


def _short(number: PhoneNumber) -> str:
    extension = f"x{number.extension}" if number.extension else ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


def _has_mask(region: str) -> bool:
    return phonenumbers.country_code_for_region(region) == 1


def _masked(text: str, region: str) -> PhoneNumber | None:
    match = _MASK.fullmatch(text)
    if not match or not _has_mask(region):
        return None
    extension = match[2] if match[2] != _NO_EXTENSION else None
    return PhoneNumber(country_code=1, national_number=int(match[1]), extension=extension)


def _parsed(text: str, region: str) -> PhoneNumber | None:
    if not text.isascii() or not _PLAIN.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if _is_sure(number) and _keeps_digits(text, number) else None


def _is_sure(number: PhoneNumber) -> bool:
    national = phonenumbers.national_significant_number(number)
    in_mask = number.country_code == 1 and bool(_MASK.fullmatch(national)) and len(national) == 10
    return in_mask or phonenumbers.is_valid_number(number)


def _keeps_digits(text: str, number: PhoneNumber) -> bool:
    """Whether the typed digits are the number's own, with nothing before them but a country or trunk prefix."""
    own = phonenumbers.national_significant_number(number) + (number.extension or "")
    typed = re.sub(r"\D", "", text)
    code = str(number.country_code)
    return typed.endswith(own) and typed.removesuffix(own) in {"", "0", code, f"00{code}", f"011{code}"}
