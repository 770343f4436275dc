# ruff: noqa: ARG001 - the worker wants every binding as a parameter
"""One of everything: what the tests of the host half call."""

import json
import logging
import typing

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("echo/{name:alpha}/{number:int?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("x-colour"),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(
        json.dumps(seen), status_code=201, headers={"x-shape": "round"}, mimetype="application/json"
    )


@app.route("open", auth_level=func.AuthLevel.ANONYMOUS)
async def open_to_all(req: func.HttpRequest) -> str:
    return "hello"


@app.route("guarded", auth_level=func.AuthLevel.ADMIN)
def guarded(req: func.HttpRequest) -> str:
    return "for administrators"


@app.route("boom", auth_level=func.AuthLevel.ANONYMOUS)
def boom(req: func.HttpRequest) -> str:
    raise ValueError("boom hi")


@app.route("send", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="out", queue_name="%OUT_QUEUE%", connection="AzureWebJobsStorage")
def send(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(req.get_body().decode())
    return "sent"


@app.route("send-many", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="out", queue_name="%OUT_QUEUE%", connection="AzureWebJobsStorage")
def send_many(req: func.HttpRequest, out: func.Out[typing.List[str]]) -> str:  # noqa: UP006
    out.set(json.loads(req.get_body()))
    return "sent"


@app.queue_trigger(arg_name="msg", queue_name="%IN_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="out", queue_name="%SEEN_QUEUE%", connection="AzureWebJobsStorage")
async def take(msg: func.QueueMessage, out: func.Out[str]) -> None:
    text = msg.get_body().decode()
    logging.info("took %s", text)
    if text.startswith("fail"):
        raise ValueError(f"cannot take {text}")
    seen = {"text": text, "messageId": msg.id, "count": msg.dequeue_count}
    out.set(json.dumps(seen))


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def tick(timer: func.TimerRequest, context: func.Context) -> None:
    raise ValueError(f"tick {timer.past_due} {context.retry_context.retry_count}")
