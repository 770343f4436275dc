"""Replay one history as a story: `python -m tests.model SEED`."""

import sys

from tests.model.pool import replay


def main(seed: int) -> int:
    fault = replay(seed, lambda line: print(line, flush=True))
    print(fault or f"seed {seed}: every promise was kept")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
