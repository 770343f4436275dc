"""One file per flow, named after it."""
