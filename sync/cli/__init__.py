"""The operator's commands: `python -m sync ...`."""
