import asyncio

from costrel import Costrel, current_app, g, url_for

app = Costrel(__name__)
app.config["BASE_URL"] = "https://shop.example"
sent = []


class Pool:
    async def connect(self):
        await asyncio.sleep(0)
        return self

    async def close(self):
        sent.append("pool closed")


@app.while_serving
async def database():
    pool = app.extensions["pool"] = await Pool().connect()
    yield
    await pool.close()


@app.get("/orders/<int:number>")
async def order(number):
    return {"number": number}


@app.post("/orders/<int:number>/mail")
async def mail(number):
    app.add_background_task(send_mail, number)
    return {"mail": "on its way"}, 202


async def send_mail(number):
    assert current_app.extensions["pool"]
    sent.append(f"mail for order {number}")


@app.get("/slow", timeout=0.05)
async def slow():
    await asyncio.sleep(60)
    return "too late"


def nightly(shop):
    with app.context_for(shop=shop):
        return f"{g.shop}: {url_for('order', number=7)}"
