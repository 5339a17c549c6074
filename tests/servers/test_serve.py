"""``costrel serve`` with each server: it answers, believes the proxies, and loses no request."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import threading
import time

import pytest

PATIENCE_SECONDS = 30
PROXIED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
WAYS = [
    ("granian", "wsgi"),
    ("granian", "asgi"),
    ("uvicorn", "asgi"),
    ("hypercorn", "asgi"),
    ("gunicorn", "wsgi"),
    ("gunicorn", "asgi"),
    ("waitress", "wsgi"),
]

pytestmark = [pytest.mark.servers, pytest.mark.slow]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Served:
    """A ``costrel serve`` in a process of its own."""

    def __init__(self, launch, folder, *args, app="serve_probe", tls=None, unix=None, **environ):
        self.tls, self.unix = tls, unix
        bind = f"unix:{unix}" if unix else "ADDRESS"
        command = ["costrel", "--app", app, "serve", "--bind", bind, *args]
        server = args[args.index("--server") + 1] if "--server" in args else "costrel"
        self.started = started = launch(command, needs=server, SERVE_PROBE=str(folder), **environ)
        self.port, self.process = started.port, started.process
        self.said, self.until, self.end, self.ended = started.said, started.until, started.end, started.ended

    def connection(self):
        if self.unix:
            return UnixConnection(self.unix, PATIENCE_SECONDS)
        if self.tls:
            return http.client.HTTPSConnection(
                "localhost", self.port, timeout=PATIENCE_SECONDS, context=self.tls
            )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def get(self, path="/", headers=PROXIED):
        connection = self.connection()
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().read()
        finally:
            connection.close()

    def seen(self, **options):
        def answer():
            try:
                return json.loads(self.get(**options))
            except OSError:
                return None

        return self.until(answer)


@pytest.fixture
def serve(launch, tmp_path):
    return lambda *args, **options: Served(launch, tmp_path, *args, **options)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Files of a certificate and its key for localhost, made now."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))

    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("server", "interface"), WAYS)
def test_each_server_answers_as_the_proxies_say_and_ends_in_peace(
    serve, tmp_path, server, interface, workers
):
    if server == "waitress" and workers > 1:
        workers = 1
    served = serve("--server", server, "--interface", interface, "--workers", str(workers))

    seen = served.seen()
    assert seen["address"] == "203.0.113.7"
    assert seen["url"] == f"https://127.0.0.1:{served.port}/"
    assert seen["by_asgi"] == (interface == "asgi")

    answers = []
    waiting = threading.Thread(target=lambda: answers.append(served.get("/until-it-is-told")))
    waiting.start()
    served.until((tmp_path / "begun").exists)
    served.process.terminate()
    served_until_refused(served)
    (tmp_path / "go on").touch()
    waiting.join(PATIENCE_SECONDS)

    assert answers == [b"whole"]
    assert served.ended() == 0, served.said()
    assert "Traceback" not in served.said()


def served_until_refused(served):
    """Wait until the server takes no new connections: then it has begun to stop."""

    def refused():
        try:
            with socket.create_connection(("127.0.0.1", served.port), 1):
                return False
        except OSError:
            return True

    # Some servers keep the socket open until the last request is answered.
    deadline = time.monotonic() + 1
    while not refused() and time.monotonic() < deadline:
        threading.Event().wait(0.05)


@pytest.mark.parametrize(("server", "interface"), WAYS)
def test_interrupt_ends_it_too(serve, server, interface):
    served = serve("--server", server, "--interface", interface)
    served.seen()

    assert served.end(signal.SIGINT) == 0, served.said()


@pytest.mark.parametrize(("server", "interface"), WAYS)
def test_unix_socket_is_answered_and_its_proxy_believed(serve, tmp_path, server, interface):
    path = str(tmp_path / "s")
    # What a server leaves that was killed.
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    served = serve("--server", server, "--interface", interface, unix=path)

    assert served.seen()["address"] == "203.0.113.7"
    assert served.end() == 0, served.said()


@pytest.mark.parametrize(("server", "interface"), [way for way in WAYS if way[0] != "waitress"])
def test_https_is_served_with_a_certificate(serve, certificate, server, interface):
    cert, key = map(str, certificate)
    context = ssl.create_default_context(cafile=cert)
    served = serve(
        *("--server", server, "--interface", interface, "--certfile", cert, "--keyfile", key), tls=context
    )

    assert served.seen(headers={})["url"] == f"https://localhost:{served.port}/"
    assert served.end() == 0, served.said()


def test_server_that_confuses_underscores_is_told_of(serve):
    served = serve("--server", "granian", "--interface", "wsgi")
    served.seen()

    assert "X_Forwarded_For as X-Forwarded-For" in served.said()


@pytest.mark.parametrize(("server", "interface"), [way for way in WAYS if way != ("granian", "wsgi")])
def test_header_with_underscores_does_not_pass_for_that_of_a_proxy(serve, server, interface):
    served = serve("--server", server, "--interface", interface)
    served.seen()
    seen = json.loads(served.get(headers={"X_Forwarded_For": "6.6.6.6"}))
    both = json.loads(served.get(headers={"X_Forwarded_For": "6.6.6.6", "X-Forwarded-For": "203.0.113.7"}))

    assert seen["address"] == "127.0.0.1"
    assert both["address"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("server", "interface"), [("granian", "asgi"), ("uvicorn", "asgi"), ("gunicorn", "wsgi")]
)
def test_several_workers_answer(serve, server, interface):
    served = serve("--server", server, "--interface", interface, "--workers", "3")
    served.seen()
    processes = set()
    served.until(lambda: processes.add(json.loads(served.get())["process"]) or len(processes) > 1)

    assert served.process.pid not in processes


def test_factory_with_arguments_is_called_in_the_workers_and_async_views_choose_the_interface(serve):
    served = serve(
        "--server", "uvicorn", "--workers", "2", app="serve_probe:create_app('boat', has_async=True)"
    )

    assert served.seen()["title"] == "boat"
    assert "by uvicorn (ASGI)" in served.said()
    assert "the application has async view 'feed'" in served.said()


def test_application_is_found_as_by_run(serve, tmp_path):
    (tmp_path / "wsgi.py").write_text("from serve_probe import create_app\napp = create_app('found')\n")
    served = serve(app="")

    assert served.seen()["title"] == "found"


def test_taken_port_is_told_before_anything_starts(serve):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        served = serve("--bind", f"127.0.0.1:{port}")

        assert served.process.wait(PATIENCE_SECONDS) == 1
    assert f"port {port} is in use by process {os.getpid()}" in served.said()
    assert "'--bind 127.0.0.1:" in served.said()


def test_findings_are_told_once_by_the_command_and_not_again_by_each_worker(serve, tmp_path):
    (tmp_path / "weak.py").write_text(
        "from serve_probe import create_app\napp = create_app()\napp.secret_key = 'dev'\n"
    )
    served = serve("--workers", "2", app="weak")
    served.seen()

    assert served.end() == 0
    assert served.said().count("security.W001") == 1
