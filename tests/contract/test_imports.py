"""Imports point down only (design §5): a module uses what stands below it, never above."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = [
    "errors fault value keys schema",
    "system expression limits gp_limits phones to_d365 to_gp converters convert convert_back places belonging ids "
    "mapping_model mapping_file mapping_faults mapping_checks mapping_fields mapping_reads mapping_parents mapping",
    "message event flow settings pauses channel",
    "systems stores gate leases permits slots",
    "flows mappings directions",
    "blanks matching way merge merging match planning succeeding missing outside persons plan brake braking settle outcomes filing "
    "renaming succession parents cases observe parking guard alerts alerting",
    "sender gathering routing hooks rounds differs walks passes sweep intake catchup settling following linking children pipeline delivery",
    "runtime",
    "operations",
    "render",
    "cli console",
    "__main__ __init__",
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split()}


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def modules() -> list[tuple[Path, str]]:
    files = sorted((ROOT / "sync").rglob("*.py"))
    return [(path, path.relative_to(ROOT / "sync").parts[0].removesuffix(".py")) for path in files]


def test_every_module_has_its_place_among_the_layers() -> None:
    assert {part for _, part in modules()} <= RANK.keys()


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, part in modules()
        for name in imports(path)
        if name.startswith("sync.") and part_of(name) != part and RANK[part_of(name)] > RANK[part]
    ]
    assert wrong == []


def test_the_app_never_knows_the_sandbox() -> None:
    wrong = [
        str(path)
        for path in [*(ROOT / "sync").rglob("*.py"), ROOT / "function_app.py"]
        if any(name.split(".")[0] in {"sandbox", "tests"} for name in imports(path))
    ]
    assert wrong == []


def test_systems_do_not_know_each_other() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "sync" / "systems").glob("*/*.py")
        for name in imports(path)
        if name.startswith("sync.systems.") and name.split(".")[2] != path.parent.name
    ]
    assert wrong == []
