"""Answers with the threads that its code ran in: ``uvicorn app:app.asgi``, then ``gunicorn app:app``."""

import asyncio
import threading

from costrel import Blueprint, Costrel, g

app = Costrel(__name__)
with_sync_hook = Blueprint("with_sync_hook", __name__, url_prefix="/sync-hook")
with_async_hook = Blueprint("with_async_hook", __name__, url_prefix="/async-hook")


def here():
    return f"{threading.current_thread().name}, {'on' if asyncio._get_running_loop() else 'off'} its loop"


@app.before_request(sync_to_thread=False)
def begin():
    g.ran = {}


@with_sync_hook.before_request
def sync_hook():
    g.ran["hook"] = here()


@with_async_hook.before_request
async def async_hook():
    await asyncio.sleep(0)
    g.ran["hook"] = here()


def sync_view():
    return g.ran | {"view": here()}


def quick_view():
    return sync_view()


async def async_view():
    before = here()
    await asyncio.sleep(0)
    return g.ran | {"view": before, "view, after it waited": here()}


for part in (app, with_sync_hook, with_async_hook):
    part.add_url_rule("/sync", view_func=sync_view)
    part.add_url_rule("/async", view_func=async_view)
    part.add_url_rule("/quick", view_func=quick_view, sync_to_thread=False)
app.register_blueprint(with_sync_hook)
app.register_blueprint(with_async_hook)
