#!/usr/bin/env python3
"""One door for developers: `python3 dev.py COMMAND [options]`.

  demo              play a scenario on a fresh sandbox: customers from GP, or both ways
  up                run the whole sandbox until Ctrl-C
  sandbox sync ...  an operator's command against the sandbox that `up` runs, such as `sandbox sync doctor`
  sandbox gaps      what the stand-ins were asked for and refused
  test              all tests, or those that pytest's own options choose
  bench             side-by-side measurements
  chaos             people at work on both sides, and trouble at every seam
  lint              what the linters have to say

Runs on any Python from 3.9 with the standard library alone. Finds a Python 3.13, makes `.venv` from the lock and
installs the storage emulator, each only when its lock has changed; then starts the command in there, which tells
its options with `--help`. `--json` gives one JSON object a line on standard output; text for people goes to standard
error. Exit status 0 only when all is well.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
WANTED = (3, 13)
OLDEST_NODE = 20
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements-dev.txt"
STORAGE = ROOT / "sandbox" / "storage"
NODE_MODULES = ROOT / ".sandbox" / "node"
LINTERS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
WINDOWS = os.name == "nt"

NO_PYTHON = """\
No Python 3.13 was found. Looked in: PATH, pyenv's versions, the py launcher, uv.
Get one with any of these, then run the same command again:
  uv:              uv python install 3.13
  pyenv:           pyenv install 3.13
  Windows, macOS:  the installer of python.org
  Linux:           the packages python3.13 and python3.13-venv, where the distribution has them"""


class SetupError(Exception):
    """What is missing or failed, and what to do about it."""


def main(arguments):
    commands = {
        "bench": bench,
        "chaos": chaos,
        "demo": sandbox,
        "lint": lint,
        "sandbox": sandbox,
        "test": test,
        "up": sandbox,
    }
    if not arguments or arguments[0] not in commands:
        asked = arguments[:1] in ([], ["-h"], ["--help"])
        say(__doc__.strip() if asked else f"{arguments[0]} is no command. There are {', '.join(commands)}.")
        return 0 if arguments in (["-h"], ["--help"]) else 2
    command, options = arguments[0], arguments[1:]
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        python = ready_python()
        ready_azurite(python)
        return commands[command](python, command, options)
    except SetupError as error:
        say(str(error))
        emit(options, {command: "failed", "error": str(error)})
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


def sandbox(python, command, options):
    own = options if command == "sandbox" else [command, *options]
    return run([python, "-m", "sandbox", *own], bound=True)


def bench(python, _, options):
    return run([python, "-m", "bench", *options], bound=True)


def chaos(python, _, options):
    return run([python, "-m", "tests.chaos", *options], bound=True)


def test(python, _, options):
    """All tests, or those that pytest's own options choose."""
    return 0 if tool(python, "test", ["pytest"], options) else 1


def lint(python, _, options):
    held = [tool(python, " ".join(words), words, options) for words in LINTERS]
    emit(options, {"lint": "ok" if all(held) else "failed"})
    return 0 if all(held) else 1


def tool(python, name, words, options):
    """Run a Python tool, what it prints on standard error with --json; True when it is content."""
    started = time.monotonic()
    own = [option for option in options if option != "--json"]
    ok = run([python, "-m", *words, *own], stdout=sys.stderr if "--json" in options else None) == 0
    emit(options, {name: "ok" if ok else "failed", "seconds": round(time.monotonic() - started, 1)})
    return ok


def emit(options, line):
    if "--json" in options:
        print(json.dumps(line), flush=True)


def ready_python(lock=LOCK):
    """The Python of an up-to-date environment, as a path; makes or updates it first. Raises SetupError."""
    python = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
    if version_of([str(python)]) != WANTED:
        found = find_python()
        with progress(f"Making {VENV.name} with {' '.join(found)}"):
            quiet([*found, "-m", "venv", "--clear", str(VENV)])
    marker = VENV / "installed"
    if not is_current(marker, lock):
        with progress("Installing the Python packages (about a minute the first time)"):
            pip_install(python, lock)
        mark(marker, lock)
    return str(python)


def find_python():
    """The command of a Python 3.13 as a list; raises SetupError when there is none."""
    for candidate in python_candidates():
        if version_of(candidate) == WANTED:
            return candidate
    raise SetupError(NO_PYTHON)


def python_candidates():
    yield [sys.executable]
    for name in ("python3.13", "python3", "python"):
        if shutil.which(name):
            yield [shutil.which(name)]
    for root in (os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv", Path.home() / ".pyenv" / "pyenv-win"):
        versions = sorted(Path(root).glob("versions/3.13*"), key=_patch, reverse=True) if root else []
        for version in versions:
            yield [str(version / ("python.exe" if WINDOWS else "bin/python"))]
    if shutil.which("py"):
        yield ["py", "-3.13"]
    if shutil.which("uv"):
        found = ask(["uv", "python", "find", "3.13"])
        if found:
            yield [found]


def _patch(version):
    return [int(number) for number in re.findall(r"\d+", version.name)]


def version_of(python):
    """(major, minor) of a Python command, None when it doesn't run (pyenv's shims and Windows' store stubs don't)."""
    numbers = ask([*python, "-c", "import sys; print(*sys.version_info[:2])"]).split()
    return tuple(map(int, numbers)) if len(numbers) == 2 else None


def pip_install(python, lock):
    if not ask([python, "-m", "pip", "--version"]):  # an environment made by uv has none
        quiet([python, "-m", "ensurepip"])
    quiet([python, "-m", "pip", "install", "--quiet", "--no-input", "--require-hashes", "-r", lock])


def ready_azurite(python):
    """Install the pinned Azurite into `.sandbox/node` when its lock has changed. Raises SetupError."""
    lock = STORAGE / "package-lock.json"
    if is_current(NODE_MODULES / "installed", lock):
        return
    npm, node = find_npm(python)
    NODE_MODULES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(STORAGE / name, NODE_MODULES / name)
    with progress("Installing Azurite, the storage emulator (365 MB)"):
        path = os.pathsep.join([node, os.environ.get("PATH", "")])
        quiet([npm, "ci", "--ignore-scripts"], cwd=NODE_MODULES, env={**os.environ, "PATH": path})
    mark(NODE_MODULES / "installed", lock)


def find_npm(python):
    """(npm, folder of its node): the machine's with node >= 20, else those of a wheel put into the environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= OLDEST_NODE:
        return npm, str(Path(node).parent)
    with progress("Installing node"):
        pip_install(python, STORAGE / "node.txt")
    folder = Path(python).parent
    return str(folder / ("npm.exe" if WINDOWS else "npm")), str(folder)


def node_version(node):
    number = re.match(r"v(\d+)", ask([node, "--version"]))
    return int(number.group(1)) if number else 0


def is_current(marker, lock):
    """True when `marker` holds the hash of `lock`."""
    return marker.exists() and marker.read_text() == _hash(lock)


def mark(marker, lock):
    marker.write_text(_hash(lock))


def _hash(lock):
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def say(text):
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(what):
    say(f"{what} ...")
    started = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - started:.0f} s")


def ask(command):
    """What a command prints, stripped; empty when it fails or isn't there."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def quiet(command, **options):
    """Run a set-up command, silent unless it fails; raises SetupError with the last it said."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except OSError as error:
        raise SetupError(f"{command[0]} could not be started: {error}") from error
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetupError(f"`{' '.join(command)}` failed:\n{words}")


def run(command, bound=False, stdout=None):
    """Run a command to its end and return its status; stops it when we are interrupted.

    A `bound` command ends when its standard input does, so it can't outlive us.
    """
    stdin = subprocess.PIPE if bound else subprocess.DEVNULL
    child = subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=stdout)
    try:
        return child.wait()
    except KeyboardInterrupt as asked:
        stop(child, told=signal.SIGTERM not in asked.args)
        raise


def stop(child, told):
    """End a child in its own orderly way before insisting; on Ctrl-C the terminal has `told` it already."""
    if child.stdin:
        child.stdin.close()
    elif not told and not WINDOWS:
        child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.terminate()
        child.wait()


def _interrupt(*_):
    raise KeyboardInterrupt(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
