"""What Werkzeug names otherwise from 3.2 on is found under either name."""

from __future__ import annotations

import runpy

import pytest
from werkzeug.datastructures import ETags, IfRange, MIMEAccept, Range

from costrel.core import werkzeug_names

OURS = {
    ETags: werkzeug_names.read_etags,
    IfRange: werkzeug_names.read_if_range,
    Range: werkzeug_names.read_range,
    MIMEAccept: lambda value: werkzeug_names.read_accept(value, MIMEAccept),
}


@pytest.fixture(params=["3.1", "3.2"])
def names(request, monkeypatch):
    """The module's names as they are, and as they are where Werkzeug has its class methods of 3.2."""
    if request.param == "3.1":
        return vars(werkzeug_names)
    for cls, read in OURS.items():
        if not hasattr(cls, "from_header"):
            monkeypatch.setattr(cls, "from_header", read, raising=False)

    return runpy.run_path(werkzeug_names.__file__)


def test_headers_are_read(names):
    assert "a" in names["read_etags"]('"a", W/"b"')
    assert names["read_if_range"]('"a"').etag == "a"
    assert names["read_range"]("bytes=0-4").ranges == [(0, 5)]
    assert names["read_accept"]("text/html, text/plain;q=0.5", MIMEAccept).best == "text/html"


def test_statuses_have_phrases(names):
    assert names["STATUS_PHRASES"][404] == "Not Found"
    assert names["STATUS_PHRASES"][503] == "Service Unavailable"
