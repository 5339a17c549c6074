"""Uploads of any size, written to files as they come."""

import asyncio
import secrets
from pathlib import Path

from costrel import Costrel, request

app = Costrel(__name__)
folder = Path(app.instance_path, "films")


@app.post("/films", stream_body=True)
async def store():
    request.max_content_length = 4 * 1024**3
    stored = {}
    async for part in request.parts():
        if part.filename is None:
            continue
        # A name of our own: what a visitor calls it may be anything.
        path = folder / secrets.token_hex(16)
        try:
            with path.open("wb") as file:
                async for piece in part:
                    await asyncio.to_thread(file.write, piece)
        except BaseException:
            path.unlink(missing_ok=True)  # the client left, or it was too long
            raise
        stored[path.name] = path.stat().st_size

    return stored, 201
