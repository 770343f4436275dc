"""dev.py on machines that have, or lack, what it looks for. Fakes stand for the machine's programs."""

import ast
import json
import stat
import sys
from pathlib import Path

import pytest

import dev


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An empty machine: no PATH, no home, no pyenv; `add` puts a program that prints `says` somewhere on it."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(dev, "VENV", tmp_path / "venv")
    monkeypatch.setattr(dev, "NODE_MODULES", tmp_path / "node")

    def add(place, says, status=0):
        program = tmp_path / place
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return str(program)

    return add


def test_a_python_of_the_wanted_version_on_the_path_is_taken(machine):
    machine("bin/python3", "3 11")
    wanted = machine("bin/python3.13", "3 13")
    assert dev.find_python() == [wanted]


def test_a_pyenv_shim_that_does_not_run_is_passed_over_for_the_newest_version_behind_it(machine):
    machine("bin/python3.13", "not set", status=127)
    machine("home/.pyenv/versions/3.13.2/bin/python", "3 13")
    newest = machine("home/.pyenv/versions/3.13.10/bin/python", "3 13")
    machine("home/.pyenv/versions/3.12.4/bin/python", "3 12")
    assert dev.find_python() == [newest]


def test_pyenv_s_folder_may_lie_elsewhere(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "opt"))
    python = machine("opt/versions/3.13.0/bin/python", "3 13")
    assert dev.find_python() == [python]


def test_the_py_launcher_is_asked_for_the_version(machine):
    machine("bin/py", "3 13")
    assert dev.find_python() == ["py", "-3.13"]


def test_uv_s_python_is_found(machine, tmp_path):
    python = machine("uv/python", "3 13")
    machine("bin/uv", python)
    assert dev.find_python() == [python]


def test_without_a_python_it_says_how_to_get_one(machine, capsys):
    machine("bin/python3", "3 12")
    assert dev.main(["demo", "--json"]) == 1
    told = capsys.readouterr()
    assert "uv python install 3.13" in told.err
    assert json.loads(told.out)["demo"] == "failed"


def test_an_environment_is_made_and_filled_once_per_lock(machine, tmp_path, monkeypatch):
    calls = []

    def quiet(command, **_):
        calls.append(" ".join(map(str, command)))
        if "venv" in command:
            machine("venv/bin/python", "3 13")

    python = machine("bin/python3.13", "3 13")
    lock = tmp_path / "lock.txt"
    lock.write_text("one==1")
    monkeypatch.setattr(dev, "quiet", quiet)
    for _ in range(2):
        assert dev.ready_python(lock=lock) == str(tmp_path / "venv/bin/python")
    assert [call.split()[2] for call in calls] == ["venv", "pip"]
    assert calls[0].startswith(python)
    lock.write_text("one==2")
    dev.ready_python(lock=lock)
    assert len(calls) == 3
    assert "--require-hashes" in calls[2]


def test_an_environment_of_another_version_is_made_anew(machine, tmp_path, monkeypatch):
    made = []
    machine("venv/bin/python", "3 12")
    machine("bin/python3.13", "3 13")
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    monkeypatch.setattr(dev, "quiet", lambda command, **_: made.append(command))
    dev.ready_python(lock=lock)
    assert "--clear" in made[0]


def test_a_failed_install_is_not_taken_for_done_the_next_time(machine, tmp_path):
    machine("venv/bin/python", "3 13", status=0)
    lock = tmp_path / "lock.txt"
    lock.write_text("")
    (tmp_path / "venv/bin/python").write_text('#!/bin/sh\n[ "$1" = -c ] && echo 3 13 && exit\necho broken; exit 1\n')
    with pytest.raises(dev.SetupError, match="broken"):
        dev.ready_python(lock=lock)
    assert not (tmp_path / "venv" / "installed").exists()


def test_an_environment_that_uv_made_without_pip_gets_it(machine, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(dev, "quiet", lambda command, **_: calls.append(command[2]))
    dev.pip_install(machine("venv/bin/python", "No module named pip", status=1), tmp_path / "lock.txt")
    dev.pip_install(machine("venv/bin/python", "pip 26.3"), tmp_path / "lock.txt")
    assert calls == ["ensurepip", "pip", "pip"]


@pytest.mark.parametrize(("node", "own"), [("v20.1.0", True), ("v18.19.0", False)])
def test_the_machine_s_node_serves_from_version_20_else_the_wheel(machine, tmp_path, monkeypatch, node, own):
    machine("bin/node", node)
    npm = machine("bin/npm", "11")
    installed = []
    monkeypatch.setattr(dev, "pip_install", lambda _, lock: installed.append(lock.name))
    found, _ = dev.find_npm(tmp_path / "venv/bin/python")
    assert (found == npm) is own
    assert installed == ([] if own else ["node.txt"])


def test_it_has_no_syntax_or_module_that_an_older_python_lacks():
    text = Path(dev.__file__).read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    imported |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


def test_an_unknown_command_tells_the_known_ones(capsys):
    assert dev.main(["frobnicate"]) == 2
    assert "There are bench, chaos, demo, lint, sandbox, test, up." in capsys.readouterr().err


def test_without_a_command_it_tells_what_each_does(capsys):
    assert dev.main([]) == 2
    assert dev.main(["--help"]) == 0
    assert "demo              play a scenario" in capsys.readouterr().err
