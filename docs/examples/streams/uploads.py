"""Uploads that are read as they come: nothing of them is kept in memory or in a temporary file."""

import hashlib

from costrel import Costrel, request

app = Costrel(__name__)


@app.post("/digests", stream_body=True)
async def digest_files():
    digests = {}
    async for part in request.parts():
        if part.filename is None:
            continue  # a field; `await part.aread()` would read it
        digest = hashlib.sha256()
        async for piece in part:
            digest.update(piece)
        digests[part.filename] = digest.hexdigest()

    return digests


@app.put("/length", stream_body=True)
async def count_bytes():
    length = 0
    async for piece in request.stream:
        length += len(piece)

    return {"length": length}
