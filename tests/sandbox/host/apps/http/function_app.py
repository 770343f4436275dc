"""HTTP functions of every level, and the queue output binding."""

import json
import typing
from http.cookies import SimpleCookie

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
    return func.HttpResponse(json.dumps(seen), status_code=201, headers={"x-shape": "round"})


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def unrouted(req: func.HttpRequest) -> str:
    return "hello"


@app.route("guarded", auth_level=func.AuthLevel.ADMIN)
def guarded(req: func.HttpRequest) -> str:
    return "for administrators"


@app.route("boom", auth_level=func.AuthLevel.ANONYMOUS)
def boom(req: func.HttpRequest) -> str:
    raise ValueError("boom hi")


@app.route("orders/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def order(req: func.HttpRequest) -> str:
    return f"order {req.route_params['id']}"


@app.route("orders/newest", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def newest(req: func.HttpRequest) -> str:
    return "the newest"


@app.route("cookie", auth_level=func.AuthLevel.ANONYMOUS)
def cookie(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("baked")
    jar = SimpleCookie()
    jar["taste"] = "sweet"
    jar["taste"]["httponly"] = True
    response.headers.add("Set-Cookie", jar["taste"].OutputString())
    return response


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
