"""What a visitor cannot get from a static folder."""

import ntpath
import os
import threading

import pytest
import werkzeug.security

from costrel import Blueprint, Costrel


@pytest.fixture
def folder(tmp_path):
    static = tmp_path / "static"
    static.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "static-but-other").mkdir()
    (tmp_path / "static-but-other" / "secret.txt").write_text("secret")
    (static / "a.txt").write_text("fine")

    return static


@pytest.fixture
def app(folder):
    app = Costrel(__name__, static_folder=str(folder))
    app.register_blueprint(
        Blueprint("b", __name__, static_folder=str(folder), url_prefix="/b", static_url_path="/static")
    )

    return app


@pytest.fixture(params=["/static/", "/b/static/"])
def get(request, app, client):
    visitor = client(app)

    def get(name, **options):
        with visitor.get(request.param + name, **options) as response:
            response.data  # read before it is closed
            return response

    return get


def test_ordinary_file_is_sent(get):
    assert get("a.txt").text == "fine"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "a.txt/../../secret.txt",
        "..\\secret.txt",
        "..%5csecret.txt",
        "%2fetc%2fpasswd",
        "%252e%252e/secret.txt",
        "..%252fsecret.txt",
        "..%c0%afsecret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "../static-but-other/secret.txt",
        "a.txt%00",
        "a.txt%00.png",
        "%00",
        "",
        ".",
        "..",
        "a.txt/x",
        "x" * 300,
        "x/" * 2_000,
        "%ff%fe",
        "%ed%a0%80",
        "C:/a.txt",
        "C:a.txt",
        "//host/share/a.txt",
    ],
)
def test_no_other_path_gives_a_file_or_an_error(get, name):
    response = get(name)

    assert response.status_code in {308, 404}
    assert "secret" not in response.text


DEVICES = [
    *("CON", "PRN", "AUX", "NUL", "COM1", "LPT9", "con", "NUL.txt"),
    *("a/CON", "CON ", "CON.txt.html", "CON:", "a/aux.js/b"),
]
LEAVING = ["..\\secret.txt", "a\\..\\..\\secret.txt", "C:/x", "C:\\x", "\\\\host\\x"]


@pytest.mark.parametrize("name", [*DEVICES, *LEAVING])
def test_windows_rules_hold_where_windows_is(get, monkeypatch, name):
    class Windows:
        name = "nt"
        path = ntpath

        def __getattr__(self, attribute):
            return getattr(os, attribute)

    monkeypatch.setattr(werkzeug.security, "os", Windows())
    monkeypatch.setattr(werkzeug.security, "_os_alt_seps", ["\\"])

    assert werkzeug.security.safe_join("static", name) is None
    assert get(name).status_code == 404


@pytest.mark.parametrize(
    "name", [".env", ".git/config", "deep/.htaccess", ".well-known/.hidden", "deep/.well-known/x"]
)
def test_names_with_a_dot_in_front_are_not_there(app, get, folder, name):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("hidden")

    assert get(name).status_code == 404
    assert get(f"./{name}").status_code in {308, 404}

    app.config["STATIC_DOTFILES"] = True
    assert get(name).text == "hidden"

    app.config["STATIC_DOTFILES"] = False
    assert get(name).status_code == 404


def test_well_known_is_there(get, folder):
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "security.txt").write_text("Contact: us")

    assert get(".well-known/security.txt").text == "Contact: us"


def test_symbolic_link_out_of_the_folder_is_not_there(app, get, folder):
    (folder / "out.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "outdir").symlink_to(folder.parent / "static-but-other")

    assert get("out.txt").status_code == 404
    assert get("outdir/secret.txt").status_code == 404

    app.config["STATIC_SYMLINKS"] = True
    assert get("out.txt").text == "secret"
    assert get("outdir/secret.txt").text == "secret"

    app.config["STATIC_SYMLINKS"] = False
    assert get("out.txt").status_code == 404


def test_symbolic_link_within_the_folder_is_there(get, folder):
    (folder / "same.txt").symlink_to("a.txt")

    assert get("same.txt").text == "fine"


def test_folder_may_be_a_symbolic_link_itself(client, folder, tmp_path):
    (tmp_path / "current").symlink_to(folder)
    app = Costrel(__name__, static_folder=str(tmp_path / "current"), static_url_path="/static")

    assert client(app).get("/static/a.txt").text == "fine"


def test_file_that_becomes_a_link_out_of_the_folder_is_gone(get, folder):
    assert get("a.txt").text == "fine"
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(folder.parent / "secret.txt")

    assert get("a.txt").status_code == 404


def test_broken_and_circular_links_are_not_there(get, folder):
    (folder / "broken").symlink_to("nowhere")
    (folder / "round").symlink_to("round")

    assert get("broken").status_code == 404
    assert get("round").status_code == 404


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_is_not_there_and_nobody_waits_for_it(get, folder):
    os.mkfifo(folder / "pipe")
    statuses = []

    thread = threading.Thread(target=lambda: statuses.append(get("pipe").status_code), daemon=True)
    thread.start()
    thread.join(10)

    assert statuses == [404]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_device_is_not_there_even_where_links_are_allowed(app, get, folder):
    app.config["STATIC_SYMLINKS"] = True
    (folder / "device").symlink_to("/dev/zero")

    assert get("device").status_code == 404


def test_folder_is_not_listed(get, folder):
    (folder / "deep").mkdir()

    assert get("deep").status_code == 404
    assert get("deep/").status_code == 404


@pytest.mark.parametrize(
    "value", ["bytes=0-" + ",0-" * 5_000, "bytes=" + "9" * 5_000 + "-", "bytes=-" + "9" * 5_000, "bytes=a-b"]
)
def test_hostile_ranges_are_answered_with_a_4xx_or_the_whole_file(get, value):
    assert get("a.txt", headers={"Range": value}).status_code in {200, 206, 400, 416}


@pytest.mark.parametrize(
    "header", ["If-None-Match", "If-Match", "If-Modified-Since", "If-Range", "If-Unmodified-Since"]
)
@pytest.mark.parametrize(
    "value", ["", '"', '"' * 5_000, "W/", ", ," * 1_000, "\xff", "9" * 5_000, "Sat, 99 Foo 9999 99:99:99 GMT"]
)
def test_hostile_conditions_make_no_500(get, header, value):
    assert get("a.txt", headers={header: value}).status_code in {200, 304, 412}


def test_static_files_may_not_be_sniffed(get):
    assert get("a.txt").headers["X-Content-Type-Options"] == "nosniff"


def test_flasks_defaults_leave_dotfiles_and_links_to_the_developer(client, folder, monkeypatch):
    app = Costrel(__name__, static_folder=str(folder))
    app.config.update(STATIC_DOTFILES=True, STATIC_SYMLINKS=True)
    (folder / ".x").symlink_to(folder.parent / "secret.txt")

    assert client(app).get("/static/.x").text == "secret"
