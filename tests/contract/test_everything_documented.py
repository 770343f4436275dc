"""Every setting, command, flow and error code is documented, and every code the line raises is in the catalogue."""

import importlib.util
import re
from pathlib import Path

import pytest

from sync.errors import CODES
from sync.flow import find_flows
from sync.mapping import load_all
from sync.operations.describe import describe
from sync.runtime import MAPPINGS

ROOT = Path(__file__).parents[2]


def generator() -> object:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_made_pages_say_what_the_code_says() -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in generator().pages().items()  # type: ignore[attr-defined]
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run: python docs/generate.py"


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    raised = set()
    for path in (ROOT / "sync").rglob("*.py"):
        raised |= set(re.findall(r'code="([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert raised <= CODES.keys()


def test_every_code_of_the_catalogue_is_used() -> None:
    sources = [
        path for path in (ROOT / "sync").rglob("*") if path.suffix in {".py", ".json"} and path.name != "errors.py"
    ]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert [code for code in CODES if f'"{code}"' not in text] == []


@pytest.mark.parametrize("name", sorted(find_flows()))
def test_every_flow_is_described_with_all_its_fields(name: str) -> None:
    flow = find_flows()[name]
    mapping = load_all(MAPPINGS)[flow.pair]
    page = describe(flow, mapping)
    assert all(f"`{field.name}`" in page for field in mapping.fields)


def test_every_page_is_reachable_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"]
    missing = [
        str(path.relative_to(ROOT / "docs")) for path in pages if str(path.relative_to(ROOT / "docs")) not in index
    ]
    assert missing == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
