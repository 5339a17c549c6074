"""Groups of WebSockets: send to all that joined, in this process or, through Redis, in all of them.

>>> from costrel import Costrel
>>> app = Costrel("shop")
>>> @app.websocket("/rooms/<room>")
... async def chat(ws, room):
...     group = app.groups[room]
...     await group.join(ws)
...     async for message in ws:
...         await group.send(message)
"""

from __future__ import annotations

from costrel.groups.group import Group, Groups

__all__ = ["Group", "Groups"]
