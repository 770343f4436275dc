"""`python -m sync`: the operator's commands."""

from sync.cli import main

main()
