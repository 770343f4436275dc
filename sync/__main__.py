"""`python -m sync`: the operator's commands."""

from sync.cli.app import main

main()
