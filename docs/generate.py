"""Writes the reference pages that are made from the code: `python docs/generate.py`. A test holds them to it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import typer.main

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

from sync.cli.app import app  # noqa: E402
from sync.errors import CODES  # noqa: E402
from sync.flow import find_flows  # noqa: E402
from sync.mapping import load_all  # noqa: E402
from sync.operations.describe import describe  # noqa: E402
from sync.runtime import MAPPINGS  # noqa: E402
from sync.settings import Settings, setting_name  # noqa: E402

MADE = "<!-- Made by docs/generate.py; change the code, not this page. -->\n"


def settings() -> str:
    """The settings reference."""
    lines = [
        "# Settings",
        "",
        MADE,
        "App settings of the function app, or environment variables for the command line. Secrets belong in Key Vault,",
        "referenced as `@Microsoft.KeyVault(SecretUri=...)`.",
        "",
        "| Setting | Default | What it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        secret = " **Secret.**" if "Secret" in str(field.annotation) else ""
        lines.append(f"| `{setting_name(name)}` | {_default(field)} | {field.description}{secret} |")
    return "\n".join(lines) + "\n"


def errors() -> str:
    """The error catalogue."""
    lines = ["# Errors", "", MADE, "| Code | What it means | What to do |", "|---|---|---|"]
    lines += [f"| `{code}` | {cause.meaning} | {cause.next_step} |" for code, cause in CODES.items()]
    return "\n".join(lines) + "\n"


def commands() -> str:
    """The command reference."""
    lines = [
        "# Commands",
        "",
        MADE,
        "`python -m sync COMMAND`. Every command but `describe` takes `--json`: one JSON object a line. Exit status: 0 all",
        "is well, 1 something is not well, 2 wrong usage, 3 settings, a right or a mapping must be corrected, 4 a system",
        "did not answer.",
    ]
    for path, command in _commands(typer.main.get_command(app), ()):
        lines += ["", f"## {' '.join(path)}", "", str(command.help).strip(), ""]
        lines += [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Every made page by its path. Flows beyond those with a page are described by `python -m sync describe`."""
    flows, mappings = find_flows(), load_all(MAPPINGS)
    made = {
        REFERENCE / "settings.md": settings(),
        REFERENCE / "errors.md": errors(),
        REFERENCE / "commands.md": commands(),
    }
    for page in ("customer_gp_to_dataverse", "customer_dataverse_to_gp"):
        made[REFERENCE / "flows" / f"{page}.md"] = MADE + describe(flows[page], mappings[flows[page].pair])
    return made


def _commands(command: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command  # type: ignore[misc]
        return
    for name, child in children.items():
        yield from _commands(child, (*path, name))


def _parameter(parameter: click.Parameter) -> str:
    name = ", ".join(parameter.opts) if parameter.param_type_name == "option" else str(parameter.name).upper()
    return f"- `{name}`: {getattr(parameter, 'help', '')}"


def _default(field: object) -> str:
    if field.is_required():  # type: ignore[attr-defined]
        return "needed"
    default = field.default  # type: ignore[attr-defined]
    return f"`{default}`" if default not in ("", None) and "Secret" not in type(default).__name__ else "none"


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
