"""What `dev.py lint` checks holds at every commit that passes the tests."""

import subprocess
import sys

import pytest

import dev


@pytest.mark.parametrize("tool", dev.LINTERS, ids=" ".join)
def test_the_linters_have_nothing_to_say(tool):
    said = subprocess.run([sys.executable, "-m", *tool], cwd=dev.ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr
