"""The shipped mapping of customers, as tests change it: its text and an overlay."""

from pathlib import Path

import pytest

from sync.errors import BadSettings
from sync.mapping import load_mapping

MAPPINGS = Path(__file__).parents[2] / "sync" / "mappings"

CUSTOMER = (MAPPINGS / "customer.yaml").read_text("utf-8")


def load(folder, text=CUSTOMER, over=None):
    """The mapping of a changed file, with an overlay text on top."""
    path = folder / "mappings" / "customer.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    if over is None:
        return load_mapping(path)
    overlay = folder / "overlays" / "customer.yaml"
    overlay.parent.mkdir(exist_ok=True)
    overlay.write_text(over, "utf-8")
    return load_mapping(path, overlay)


def faults(folder, text=CUSTOMER, over=None):
    with pytest.raises(BadSettings) as caught:
        load(folder, text, over)
    assert caught.value.code == "mapping_invalid"
    return caught.value.message
