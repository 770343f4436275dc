"""Timers: one on a schedule that a setting gives, one that fails with a retry policy, one at start."""

import azure.functions as func

app = func.FunctionApp()


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    if timer.past_due:
        raise ValueError(f"past due since {timer.schedule_status['Next']}")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def fragile(timer: func.TimerRequest, context: func.Context) -> None:
    raise ValueError(f"attempt {context.retry_context.retry_count}")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    pass
