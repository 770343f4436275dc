"""The table of triggers: lanes and timers, registered from the flows. It decides nothing."""

import azure.functions as func

from sync.hooks import Hooks
from sync.runtime import current

STORAGE = "AzureWebJobsStorage"

app = func.FunctionApp()
# Built here, not at the first message: with a wrong setting or mapping the app does not start, and no message is touched.
runtime = current()


@app.function_name("poll_gp")
@app.timer_trigger(arg_name="timer", schedule=runtime.settings.poll_schedule)
async def poll_gp(timer: func.TimerRequest) -> None:
    """Look for changes in every GP company."""
    await runtime.intake.poll_all(runtime.settings.companies)


if runtime.catchup.tables:

    @app.function_name("catch_up")
    @app.timer_trigger(arg_name="timer", schedule=runtime.settings.delta_schedule)
    async def catch_up(timer: func.TimerRequest) -> None:
        """Look for changes in Dataverse that no webhook told."""
        await runtime.catchup.tick_all()


if runtime.alerting.channels:

    @app.function_name("alert")
    @app.timer_trigger(arg_name="timer", schedule=runtime.settings.alert_schedule)
    async def alert(timer: func.TimerRequest) -> None:
        """Tell people what waits for them."""
        await runtime.alerting.tick()


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule=runtime.settings.sweep_schedule)
async def sweep(timer: func.TimerRequest) -> None:
    """Look for what no feed has told, a few pages at a time."""
    await runtime.intake.sweep_all(runtime.settings.companies)
    await runtime.catchup.sweep_all(runtime.settings.companies)


@app.function_name("health")
@app.route("health", trigger_arg_name="request", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(request: func.HttpRequest) -> func.HttpResponse:
    """Say that the app runs; nothing about its data."""
    return func.HttpResponse("ok")


def add_hooks(hooks: Hooks) -> None:
    """The door of Dataverse's webhooks; a GET asks only whether the caller's secret would be taken."""

    @app.function_name("hook_dataverse")
    @app.route(
        "hooks/dataverse", trigger_arg_name="request", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION
    )
    async def hook_dataverse(request: func.HttpRequest) -> func.HttpResponse:
        answer = await hooks.receive(request.method, request.headers, request.get_body())
        return func.HttpResponse(answer.text, status_code=answer.status)


if runtime.hooks:
    add_hooks(runtime.hooks)


def add_lane(lane: str) -> None:
    """A lane and its poison queue."""

    @app.function_name(lane.replace("-", "_"))
    @app.queue_trigger(arg_name="message", queue_name=lane, connection=STORAGE)
    async def work(message: func.QueueMessage) -> None:
        await runtime.deliveries.receive(message.get_body().decode(errors="replace"), message.dequeue_count or 1, lane)

    @app.function_name(f"{lane.replace('-', '_')}_poison")
    @app.queue_trigger(arg_name="message", queue_name=f"{lane}-poison", connection=STORAGE)
    async def drain(message: func.QueueMessage) -> None:
        await runtime.deliveries.drain(message.get_body().decode(errors="replace"), lane)


for flow_lane in sorted({lane for flow in runtime.flows.values() for lane in (flow.lane, flow.bulk_lane)}):
    add_lane(flow_lane)
