"""Local stand-ins for what a laptop lacks: never deployed, never imported by `sync`."""
