"""Many histories in worker processes, one per core: what was played, and the seeds of those that broke a promise."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import batched
from pathlib import Path
from typing import Any

import pytest

from sync.flow import Flow, find_flows
from sync.mapping import Mapping, load_all
from tests.model.both_ways import BothWays
from tests.model.history import Happenings, History, dice
from tests.model.world import World

FLOW = "customer_gp_to_dataverse"
CHUNK = 250

type LeaveOut = Callable[[pytest.MonkeyPatch], None]
"""Breaks one rule of the line, in this process, for as long as the patch holds."""


@dataclass
class Tally:
    """What some histories were; `broken` says which ended badly, and how."""

    histories: int = 0
    steps: int = 0
    deaths: int = 0
    troubles: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.histories += other.histories
        self.steps += other.steps
        self.deaths += other.deaths
        self.troubles += other.troubles
        self.broken += other.broken

    def __str__(self) -> str:
        return (
            f"{self.histories:,} histories, {self.steps:,} steps, {self.deaths:,} killed processes, "
            f"{self.troubles:,} calls cut, late or refused"
        )


@cache
def flow_and_mapping(*, both_ways: bool = False) -> tuple[Flow, Mapping]:
    root = Path(__file__).parents[2]
    overlay = None if both_ways else root / "tests" / "unit" / "one_way"
    return find_flows()[FLOW], load_all(root / "sync" / "mappings", overlay)["customer"]


def history(seed: int) -> Happenings:
    """A history; everything follows from the seed. Every fifth plays both directions."""
    both_ways = seed % 5 == 4
    flow, mapping = flow_and_mapping(both_ways=both_ways)
    return BothWays(seed, mapping, flow) if both_ways else History(seed, mapping, flow)


def play(seed: int) -> World:
    """One whole history. The same seed gives the same one. Raises Broken."""
    with dice(seed):
        played = history(seed)
        played.play()
    return played.world


def replay(seed: int, tell: Callable[[str], None]) -> str:
    """Play a history and tell what happens in it; how it broke a promise, or ""."""
    with dice(seed):
        played = history(seed)
        played.world.tell = tell
        try:
            played.play()
        except AssertionError as error:
            return str(error)
    return ""


def play_some(seeds: Iterable[int], leave_out: LeaveOut | None = None, *, enough: int | None = None) -> Tally:
    """Play histories one after the other, in this process; stop once `enough` of them were broken."""
    tally = Tally()
    with pytest.MonkeyPatch.context() as patch:
        if leave_out:
            leave_out(patch)
        for seed in seeds:
            tally.histories += 1
            try:
                world = play(seed)
            except AssertionError as error:
                tally.broken.append(str(error))
            else:
                tally.steps += world.steps
                tally.deaths += world.deaths
                tally.troubles += world.weather.struck
            if enough and len(tally.broken) >= enough:
                break
    return tally


@contextmanager
def workers() -> Iterator[ProcessPoolExecutor]:
    """One process per core. They begin afresh: the tests' own process has threads and an event loop."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def play_all(pool: ProcessPoolExecutor, first: int, count: int) -> Tally:
    """Play `count` histories from the seed `first` on."""
    chunks = batched(range(first, first + count), CHUNK, strict=False)
    parts: list[Future[Tally]] = [pool.submit(play_some, chunk) for chunk in chunks]
    whole = Tally()
    for part in parts:
        whole.add(part.result())
    return whole


def find(pool: ProcessPoolExecutor, rules: Iterable[LeaveOut], *, within: int) -> dict[str, Future[Tally]]:
    """For each rule that is left out: histories until one is broken, at most `within`."""
    seeds = range(within)
    return {_name(rule): pool.submit(play_some, seeds, rule, enough=1) for rule in rules}


def _name(rule: Any) -> str:
    return str(rule.__name__)
