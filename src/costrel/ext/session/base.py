"""Flask-Session's names for what all types of sessions have in common, where it has them."""

from __future__ import annotations

from costrel.ext.session.interface import ServerSideSessionInterface
from costrel.ext.session.serializers import Serializer
from costrel.ext.session.server_side import ServerSideSession

__all__ = ["Serializer", "ServerSideSession", "ServerSideSessionInterface"]
