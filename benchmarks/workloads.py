"""The requests, and what a right answer to each looks like. Knows no framework."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from apps import common

# What a browser sends: header parsing is part of a request's cost.
HEADERS = [
    ("Host", "127.0.0.1:8000"),
    ("Connection", "keep-alive"),
    ("Cache-Control", "max-age=0"),
    ("sec-ch-ua", '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Linux"'),
    ("Upgrade-Insecure-Requests", "1"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "en-US,en;q=0.9,de;q=0.8"),
]

FORM_BODY = "&".join(f"field{i}=value+number+{i}%21" for i in range(10)).encode()
POSTED = {
    "user": {"id": 12345, "name": "Ada Lovelace", "email": "ada@example.com", "roles": ["admin", "editor"]},
    "items": [
        {"sku": f"SKU-{i:05d}", "qty": i, "price": i * 9.99, "note": "lorem ipsum dolor"} for i in range(11)
    ],
    "comment": "x" * 120,
    "flag": True,
    "nothing": None,
}
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FILE_BYTES = b"0123456789abcdef" * 65_536  # one MiB, without CR or LF
UPLOAD_BODY = (
    (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\nhello\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    + FILE_BYTES
    + f"\r\n--{BOUNDARY}--\r\n".encode()
)

with open(f"{common.STATIC_DIR}/file10k.txt", "rb") as _file:
    STATIC_BYTES = _file.read()

Check = Callable[[int, dict[str, str], bytes], bool]


@dataclass(frozen=True)
class Workload:
    """One request, repeated."""

    path: str
    check: Check
    variant: str = "base"
    body: bytes = b""
    content_type: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"

    def headers(self, cookie: str = "") -> list[tuple[str, str]]:
        """Return what is sent, with the session's cookie once there is one."""
        found = [*HEADERS, *self.extra]
        if self.body:
            found += [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        if cookie:
            found.append(("Cookie", cookie))

        return found


def is_json(expected: object) -> Check:
    def check(status: int, headers: dict[str, str], body: bytes) -> bool:
        right_type = "application/json" in headers.get("content-type", "")
        return status == 200 and right_type and json.loads(body) == expected

    return check


def is_body(expected: bytes, **wanted: str) -> Check:
    def check(status: int, headers: dict[str, str], body: bytes) -> bool:
        found = all(value in headers.get(name.replace("_", "-"), "") for name, value in wanted.items())
        return status == 200 and body == expected and found

    return check


def is_table(status: int, headers: dict[str, str], body: bytes) -> bool:
    texts = (b"Row &lt;3&gt; &amp; co", b"Orders - Table", b"66.50")
    return status == 200 and body.count(b"<tr class=") == 20 and all(text in body for text in texts)


def is_missing(status: int, headers: dict[str, str], body: bytes) -> bool:
    return status == 404


def resource(name: str) -> Check:
    return is_json({"res": name, "id": 42, "slug": "abc"})


FORM = "application/x-www-form-urlencoded"
WORKLOADS = {
    "plain": Workload("/", is_body(b"Hello, World!", content_type="text/plain")),
    "json": Workload("/json", is_json(common.SMALL)),
    "param": Workload("/users/42/posts/hello-world", is_json({"id": 42, "slug": "hello-world"})),
    "routes": Workload("/api/v1/res99/42/sub/abc", resource("res99"), "routes"),
    "hooks": Workload("/hooks", is_body(b"user=42", x_request_id="abc"), "hooks", extra=(("X-User", "42"),)),
    "session": Workload("/session", is_body(b"n=2", set_cookie="="), "session"),
    "form": Workload("/form", is_body(b"value number 5!"), body=FORM_BODY, content_type=FORM),
    "jsonpost": Workload(
        "/jsonpost", is_json(POSTED), body=json.dumps(POSTED).encode(), content_type="application/json"
    ),
    "template": Workload("/template", is_table),
    "static": Workload("/static/file10k.txt", is_body(STATIC_BYTES)),
    "upload": Workload(
        "/upload",
        is_body(b"1048576"),
        body=UPLOAD_BODY,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    ),
    "notfound": Workload("/does/not/exist", is_missing),
    "bigjson": Workload("/bigjson", is_json(common.BIG)),
}
MAIN = tuple(WORKLOADS)

# How the time to find a route grows with their number.
WORKLOADS |= {
    "routes_10": Workload("/api/v1/res03/42/sub/abc", resource("res03"), "routes_10"),
    "routes_10k": Workload("/api/v1/res3333/42/sub/abc", resource("res3333"), "routes_10k"),
}

# An async view that is suspended once; what has no async views cannot do it.
WORKLOADS["awaits"] = Workload("/awaits", is_body(b"Hello, World!"))
