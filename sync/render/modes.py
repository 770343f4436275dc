"""How modes look to people."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from sync.operations.restored import Restored
from sync.stores.modes import WHOLE, Mode, ModeSetting

_COLOURS = {Mode.ON: "green", Mode.OBSERVE: "cyan", Mode.PAUSED: "red"}


def listed(settings: Sequence[ModeSetting]) -> RenderableType:
    table = Table("Company", "Flow", "Mode", "Since (UTC)", "By", "Why", box=None, pad_edge=False)
    for each in settings:
        flow = "all of them" if each.flow == WHOLE else each.flow
        mode = f"[{_COLOURS[each.mode]}]{each.mode}[/]"
        table.add_row(each.company, flow, mode, each.since[:16].replace("T", " "), escape(each.by), escape(each.text))
    return table


def paused(holds: ModeSetting, why: str) -> RenderableType:
    """`why` is what the person gave: another reason in `holds` was there before."""
    is_new = holds.text == why
    doing = "is paused: what changes waits" if holds.mode is Mode.PAUSED else "is observed: nothing is written"
    if is_new:
        return f"[yellow]{escape(holds.what)} {doing}.[/]"
    return (
        f"[yellow]{escape(holds.what)} was {holds.mode} already, since {holds.since[:16]} UTC: {escape(holds.text)}[/]"
    )


def resumed(holds: ModeSetting) -> RenderableType:
    if holds.mode is Mode.ON:
        return f"[green]{escape(holds.what)} goes on.[/] What waits is worked within 15 minutes."
    return f"[cyan]{escape(holds.what)} is observed again[/], as before: {escape(holds.text)}"


def restored(done: Restored) -> RenderableType:
    sent = ", ".join(f"{count:,} records of {flow}" for flow, count in done.keys.items())
    return f"{sent} are looked at again; what is left goes on with the sweep.\n{resumed(done.holds)}"


def as_json(setting: ModeSetting) -> dict[str, Any]:
    names = ("company", "flow", "mode", "cause", "text", "since", "by")
    return {name: getattr(setting, name) for name in names}
