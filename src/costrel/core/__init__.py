"""Decisions of the request lifecycle: pure, knowing no protocol and no server."""
