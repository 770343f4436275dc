"""Compares all records that have anything in common, a stretch of GP's at a time."""

from collections.abc import Iterator

from sync.matching.score import compare
from sync.matching.scratch import Scratch

STRETCH = 500


def compare_all(scratch: Scratch) -> Iterator[int]:
    """Find the candidates among all that was put in, then decide; yields how many of GP's records are compared."""
    scratch.seal()
    total = scratch.count("gp")
    for first in range(0, total, STRETCH):
        for g, gp, d, dataverse in scratch.pairs(first, first + STRETCH - 1):
            scratch.keep(g, d, compare(gp, dataverse, scratch))
        yield min(first + STRETCH, total)
    scratch.decide()
