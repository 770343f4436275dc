"""What a customer costs, beside a client that copies record by record and beside Microsoft's SDK, in one run.

The stand-ins model 40 ms a request and S ms an operation inside it; the bars hold at S = 0.
"""

import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bench.idle import idle
from bench.suite import Measure, options, step, suite
from bench.work import COMPANY, FLOW, Cost, Counters, app, run, said_by, write_rows
from sandbox.dataverse.limits import SECONDS
from sandbox.scenarios.load import clean, clean_customers, edit, listed
from sandbox.up import Sandbox
from sync.runtime import Runtime

LATENCY_MS = 40
SQL_MS, STORAGE_MS = 20, 10
"""Modelled answers of GP over a hybrid connection, and of Table Storage in the app's region."""

SCATTERED = 500
SDK_ROWS = 250
SEED = 1
LIMIT_SCALE, LIMIT_WINDOW = 0.05, 60.0


@suite
async def customers() -> AsyncIterator[Measure]:
    """10,000 customers by default; the rivals and the changes work a fifth of them."""
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp"]) as box:
            one_way(box)
            await box.start("dataverse", "--latency-ms", str(LATENCY_MS))
            await box.cli("provision")
            async with app(box) as runtime:
                async for measure in Bench(box, runtime, Path(state)).measures():
                    yield measure
    for part in (ceiling, large):
        async for measure in part():
            yield measure


def one_way(box: Sandbox) -> None:
    """Let customers come from GP alone: what the way back costs is another suite's to measure."""
    overlays = box.state / "overlays"
    overlays.mkdir()
    (overlays / "customer.yaml").write_text("one_way: gp\n", encoding="utf-8")
    box.overrides["GP365_OVERLAYS"] = str(overlays)


async def work(box: Sandbox, runtime: Runtime, counters: Counters, keys: Sequence[str], form: str) -> Cost:
    """Put keys on their lane and let our line work them."""
    step(f"our line works {len(keys)} customers ({form})")
    await runtime.sender.send(runtime.flows[FLOW], COMPANY, keys, "backfill")
    return await run(box, counters, len(keys), "bench.line", GP365_DATAVERSE_BULK=form)


async def large() -> AsyncIterator[Measure]:
    """What must not grow with the company: an idle poll, and the memory of a load."""
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp", "dataverse"]) as box:
            one_way(box)
            async for measure in idle(box):
                yield measure
            yield await memory(box)


class Bench:
    """One company of clean customers, dealt out to the contestants in the order of their keys."""

    def __init__(self, box: Sandbox, runtime: Runtime, state: Path) -> None:
        self._box = box
        self._runtime = runtime
        self._rows = state / "rows.jsonl"
        self._counters = Counters(box)
        self._many, self._few = options.records, options.records // 5

    async def measures(self) -> AsyncIterator[Measure]:
        step(f"{self._many + 5 * self._few} customers are typed into GP")
        keys = await clean_customers(self._box, self._many + 5 * self._few)
        await edit(self._box, "UPDATE RM00101 SET INACTIVE = 0")
        deal = [keys[: self._many]] + [keys[self._many + n * self._few :][: self._few] for n in range(5)]
        batch = await self._line("batch", deal[0])
        for measure in _costs(batch, "batch"):
            yield measure
        multiple = await self._line("multiple", deal[1])
        yield Measure(
            "dataverse_requests_per_record_multiple", multiple.per_record(multiple.requests), "requests", bar=0.03,
            note="multiple: creates by CreateMultiple, read back",
        )  # fmt: skip
        async for measure in self._changes(deal[0]):
            yield measure
        async for measure in self._rivals(batch, deal[2:4], "batch, S = 0 ms", bars=True):
            yield measure
        step("the stand-in for Dataverse starts anew with 10 ms an operation")
        await self._box.restart("dataverse", "--latency-ms", str(LATENCY_MS), "--operation-ms", "10")
        slow = await self._line("batch", deal[4])
        async for measure in self._rivals(slow, [deal[5]], "batch, S = 10 ms", bars=False):
            yield measure

    async def _line(self, form: str, keys: Sequence[str]) -> Cost:
        return await work(self._box, self._runtime, self._counters, keys, form)

    async def _changes(self, keys: Sequence[str]) -> AsyncIterator[Measure]:
        unchanged = await self._line("batch", keys[: self._few])
        yield Measure(
            "storage_calls_per_unchanged_record", unchanged.per_record(unchanged.storage), "calls", note="batch"
        )
        some = keys[: self._few]
        await edit(self._box, f"UPDATE RM00101 SET CUSTNAME = 'Changed' WHERE CUSTNMBR IN ({listed(some)})")
        await edit(self._box, f"UPDATE RM00101 SET PYMTRMID = 'Net 31' WHERE CUSTNMBR IN ({listed(some[::100])})")
        bad = await self._line("batch", some)
        yield Measure(
            "requests_per_record_with_1pct_bad", bad.per_record(bad.requests), "requests", bar=0.06, note="batch"
        )
        scattered = random.Random(SEED).sample(keys[self._few :], min(SCATTERED, len(keys) - self._few))
        await edit(self._box, f"UPDATE RM00101 SET CUSTNAME = 'Scattered' WHERE CUSTNMBR IN ({listed(scattered)})")
        cost = await self._line("batch", scattered)
        yield Measure(
            "storage_calls_per_record_scattered", cost.per_record(cost.storage), "calls", bar=1.3, note="batch"
        )

    async def _rivals(
        self, ours: Cost, deal: Sequence[Sequence[str]], label: str, *, bars: bool
    ) -> AsyncIterator[Measure]:
        step(f"a client copies {len(deal[0])} customers one by one ({label})")
        await write_rows(self._runtime, deal[0], self._rows)
        rival = await run(self._box, self._counters, len(deal[0]), "bench.per_record", str(self._rows))
        for measure in _against(ours, rival, label, bars=bars):
            yield measure
        if len(deal) > 1:
            step(f"Microsoft's SDK sends {len(deal[1])} customers by UpsertMultiple ({label})")
            await write_rows(self._runtime, deal[1], self._rows)
            sdk = await run(self._box, self._counters, len(deal[1]), "bench.sdk", str(self._rows), str(SDK_ROWS))
            yield Measure(
                "sdk_upsert_multiple_requests_per_record", sdk.per_record(sdk.requests), "requests", note=label
            )
            yield Measure("elapsed_ratio_to_sdk_upsert_multiple", _ratio(_pace(sdk), _pace(ours)), "ratio", note=label)


async def memory(box: Sandbox) -> Measure:
    """The peak of ten times as many customers, against that of `--records`."""
    # An inactive one is created, then made inactive, and a parked one looked at again: neither ends with a far end that forgets.
    await clean(box)
    await edit(box, "UPDATE RM00101 SET INACTIVE = 0 WHERE INACTIVE = 1")
    peaks = []
    for count in (options.records, options.records * 10):
        step(f"{count} customers pass through one process")
        said = await said_by(box, "bench.memory", COMPANY, str(count))
        if said["records"] < count:
            raise RuntimeError(f"only {said['records']} of {count} customers passed")
        peaks.append(said["peak_kib"])
    return Measure(
        "memory_ratio_100k_to_10k", round(peaks[1] / peaks[0], 3), "ratio", bar=1.3, op="<",
        note=f"{peaks[0] // 1024} and {peaks[1] // 1024} MiB; GP is the stand-in, the far end bottomless",
    )  # fmt: skip


async def ceiling() -> AsyncIterator[Measure]:
    """How much of what the service protection limits allow is used on a limiter scaled down until it bites."""
    with tempfile.TemporaryDirectory(prefix="gp365-bench-", ignore_cleanup_errors=True) as state:
        async with Sandbox(Path(state), parts=["storage", "identity", "gp"]) as box:
            limiter = ("--limit-scale", f"{LIMIT_SCALE:g}", "--limit-window", f"{LIMIT_WINDOW:g}")
            await box.start("dataverse", *limiter, "--latency-ms", str(LATENCY_MS), "--operation-ms", "10")
            await box.cli("provision")
            async with app(box) as runtime:
                count = max(1_000, options.records * 2 // 5)
                keys = await clean_customers(box, count)
                cost = await work(box, runtime, Counters(box), keys, "batch")
    allowed = SECONDS * LIMIT_SCALE * max(1.0, cost.seconds / LIMIT_WINDOW)
    note = f"{cost.refused} answers 429; limits x {LIMIT_SCALE:g}, window {LIMIT_WINDOW:g} s"
    yield Measure("ceiling_share", round(cost.execution / allowed, 2), "of the allowed execution time", note=note)


def _costs(cost: Cost, form: str) -> list[Measure]:
    rows: list[tuple[str, float, str, float | None]] = [
        (f"dataverse_requests_per_record_{form}", cost.requests, "requests", 0.03),
        (f"dataverse_operations_per_record_{form}", cost.operations, "operations", None),
        ("sql_round_trips_per_record", cost.sql, "round trips", 0.02),
        ("storage_calls_per_record", cost.storage, "calls", 0.3),
        ("host_storage_calls_per_record", cost.polling, "calls", None),
    ]
    return [Measure(name, cost.per_record(count), unit, bar=bar, note=form) for name, count, unit, bar in rows]


def _against(ours: Cost, rival: Cost, label: str, *, bars: bool) -> list[Measure]:
    return [
        _at_least("modelled_elapsed_ratio_to_per_record", _modelled(rival) / _modelled(ours), 20,
                  label, bars=bars),
        _at_least("elapsed_ratio_to_per_record", _pace(rival) / _pace(ours), 3, label, bars=bars),
        _at_least("cpu_ratio_to_per_record", rival.cpu_seconds / rival.records / (ours.cpu_seconds / ours.records), 1.5,
                  label, bars=bars),
    ]  # fmt: skip


def _at_least(name: str, value: float, bar: float, label: str, *, bars: bool) -> Measure:
    return Measure(name, round(value, 2), "ratio", bar=bar if bars else None, op=">=", note=label)


def _modelled(cost: Cost) -> float:
    """Milliseconds a record if nothing but the counted calls took time; as many are allowed at once for everybody."""
    return (cost.requests * LATENCY_MS + cost.sql * SQL_MS + cost.storage * STORAGE_MS) / cost.records


def _pace(cost: Cost) -> float:
    return cost.seconds / cost.records


def _ratio(one: float, other: float) -> float:
    return round(one / other, 2)
