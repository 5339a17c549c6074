"""Protocols on one side, requests and responses on the other. Takes no decision of the lifecycle."""
