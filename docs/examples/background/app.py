"""Work that no visitor waits for: after a response, and again and again while the application serves."""

import asyncio
from collections import Counter

from costrel import Costrel, current_app, request

app = Costrel(__name__)
done = Counter()
SWEEP_SECONDS = 60


@app.post("/orders/<int:number>")
def order(number):
    app.add_background_task(send_mail, number, request.form["mail"])
    app.add_background_task(tell_warehouse, number)

    return {"order": number}, 202


def send_mail(number, address):  # it may block: it has a thread
    current_app.logger.info("mail about order %d to %s", number, address)
    done["mails"] += 1


async def tell_warehouse(number):  # it must not block: it is on the event loop
    await asyncio.sleep(0)
    done["orders"] += 1


@app.while_serving
async def sweeping():
    async def sweep():
        while True:
            done["sweeps"] += 1  # what may block goes into asyncio.to_thread(…)
            await asyncio.sleep(SWEEP_SECONDS)

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
