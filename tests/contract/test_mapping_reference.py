"""`docs/reference/mapping.md` says what the code does: its tables and its example are held to it here."""

import re
from pathlib import Path

import pytest

from sync.converters import CONVERTERS
from sync.errors import BadSettings
from sync.mapping import load_mapping
from sync.mapping_model import FieldRule, PairRules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "mapping.md").read_text("utf-8")


def rows(*cells):
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


@pytest.mark.parametrize("model", [PairRules, FieldRule])
def test_the_page_lists_every_word_of_a_pair_and_of_a_field(model):
    assert rows(*((f"`{name}`", field.description) for name, field in model.model_fields.items())) in PAGE


def test_the_page_lists_every_converter():
    assert (
        rows(
            *(
                (
                    f"`{each.name}`",
                    ", ".join(sorted(each.sources)),
                    ", ".join(sorted(each.targets)),
                    each.about,
                )
                for each in CONVERTERS.values()
            )
        )
        in PAGE
    )


def test_the_overlay_on_the_page_works(tmp_path):
    overlay = tmp_path / "customer.yaml"
    overlay.write_text(re.search("```yaml\n# overlay\n(.*?)```", PAGE, re.DOTALL)[1], "utf-8")
    mapping = load_mapping(ROOT / "sync" / "mappings" / "customer.yaml", overlay)
    assert mapping.field("description").converter.name == "lines"
    assert "websiteurl" not in mapping.attributes
    assert mapping.lookups["payment_terms"]["COD"] == 182330001


def test_the_error_on_the_page_is_what_a_fault_looks_like(tmp_path):
    text = (ROOT / "sync" / "mappings" / "customer.yaml").read_text("utf-8")
    faulty = tmp_path / "mappings" / "customer.yaml"
    faulty.parent.mkdir()
    faulty.write_text(text.replace("gp: CUSTNAME,", "gp: CUSTNAM,"), "utf-8")
    with pytest.raises(BadSettings) as caught:
        load_mapping(faulty)
    assert caught.value.message in PAGE
