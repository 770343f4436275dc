"""Every promise names the tests that attack it, and they exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "promises").glob("[0-9]*.md"))
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tests_a_promise_names_exist(page: Path) -> None:
    named = TEST.findall(page.read_text(encoding="utf-8"))
    assert len(named) >= 3
    assert [f"{file}::{test}" for file, test in named if not exists(file, test)] == []


def test_every_page_of_a_promise_is_listed() -> None:
    listed = re.findall(
        r"\]\((\d+-[\w-]+\.md)\)", (ROOT / "docs" / "promises" / "README.md").read_text(encoding="utf-8")
    )
    assert listed == [page.name for page in PAGES]


def exists(file: str, test: str) -> bool:
    path = ROOT / file
    if not path.exists():
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, functions)}
    return test in names if test else any(name.startswith("test_") for name in names)
