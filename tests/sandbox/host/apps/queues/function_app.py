"""A queue function that does what its message says, and one on a poison queue."""

import asyncio
import json
import logging
import time

import azure.functions as func

app = func.FunctionApp()
running: set = set()


@app.queue_trigger(arg_name="msg", queue_name="%IN_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="out", queue_name="%IN_QUEUE%-seen", connection="AzureWebJobsStorage")
async def take(msg: func.QueueMessage, out: func.Out[str]) -> None:
    running.add(asyncio.current_task())
    try:
        text = msg.get_body().decode()
        logging.info("took %s", text)
        print("printed by take")
        if text.startswith("slow"):
            await asyncio.sleep(float(text.split()[1]))
        if text.startswith("block"):
            time.sleep(float(text.split()[1]))  # noqa: ASYNC251
        if text.startswith("fail"):
            raise ValueError(f"cannot take {text}")
        out.set(json.dumps({"text": text, "id": msg.id, "count": msg.dequeue_count, "at_once": len(running)}))
    finally:
        running.discard(asyncio.current_task())


@app.queue_trigger(arg_name="msg", queue_name="%IN_QUEUE%-poison", connection="AzureWebJobsStorage")
def take_poison(msg: func.QueueMessage) -> None:
    if msg.get_body().startswith(b"worse"):
        raise ValueError("poison of poison")
