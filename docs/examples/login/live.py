"""An async loader: for async views, templates and WebSockets, and for sync views as well."""

from __future__ import annotations

import asyncio

from costrel import Costrel, render_template_string
from costrel.ext.login import LoginManager, UserMixin, login_required, login_user

app = Costrel(__name__)
app.secret_key = "replace this by a key of your own"  # python -c 'import secrets; print(secrets.token_hex())'


class User(UserMixin):
    def __init__(self, id: str) -> None:
        self.id = id


login_manager = LoginManager[User](app)
current_user = login_manager.current_user


@login_manager.user_loader
async def load_user(user_id: str) -> User | None:
    await asyncio.sleep(0)  # ask the database here
    return User(user_id) if user_id == "ada" else None


@app.post("/login")
async def login():
    login_user(User("ada"))
    return "welcome"


@app.get("/")
async def index():
    return render_template_string("{{ current_user.id if current_user.is_authenticated else 'nobody' }}")


@app.get("/sync")
@login_required
def in_a_thread():
    return current_user.id


@app.websocket("/live")
@login_required
async def live(ws):
    await ws.send(f"hello {current_user.id}")
