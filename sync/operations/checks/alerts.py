"""Whether people are told what waits for them."""

from collections.abc import AsyncIterator

from sync.runtime import Runtime
from sync.system import Check


async def alerts(runtime: Runtime) -> AsyncIterator[Check]:
    if not runtime.alerting.channels:
        yield Check("alerts", True, "nobody is told what waits for a person: GP365_ALERTS is empty")
        return
    for name, heard in await runtime.alerting.heard():
        last = f"last sent {heard.sent_at[:16]} UTC" if heard.sent_at else "nothing sent yet"
        failed = f"failed {heard.failed_at[:16]} UTC: {heard.error}; {last}"
        step = "Correct its address in GP365_ALERTS, then run `python -m sync alert --test`." if heard.error else ""
        yield Check(f"alerts {name}", not heard.error, failed if heard.error else last, step)
