"""Data that every adapter serves, so that all applications do the same work."""

from __future__ import annotations

import functools
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATIC_DIR = str(ROOT / "data" / "static")
TEMPLATE_DIR = str(ROOT / "data" / "templates")
SECRET = "bench-secret-key-0123456789abcdef0123456789"

TEXT = "Hello, World!"
SMALL = {"message": "Hello, World!", "ok": True, "count": 42, "items": [1, 2, 3]}
BIG = {
    "items": [
        {
            "id": i,
            "name": f"item number {i}",
            "price": round(i * 1.37, 2),
            "tags": ["alpha", "beta", "gamma"],
            "active": i % 3 == 0,
            "owner": {"id": i * 7, "email": f"user{i}@example.com", "note": None},
        }
        for i in range(640)
    ]
}
ROWS = [
    {"id": i, "name": f"Row <{i}> & co", "email": f"row{i}@example.com", "total": i * 3.5} for i in range(20)
]
RESOURCES = [f"res{i:02d}" for i in range(100)]  # three patterns each: 300 dynamic routes


@functools.cache
def _environment():
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE_DIR), autoescape=True, auto_reload=False
    )


def jinja_render(name, **values):
    """Render with plain Jinja2, for the frameworks that do not bring it along."""
    return _environment().get_template(name).render(**values)
