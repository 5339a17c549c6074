"""Brings what a suite needs: the released source with its tests, and an environment to run it in.

Everything is kept in one folder outside of the project: ``$CONFORMANCE_CACHE``, or
``costrel-conformance`` in the temporary folder. It can be deleted at any time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from suites import Suite

__all__ = ["CACHE", "HERE", "environment", "source"]

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("CONFORMANCE_CACHE") or Path(tempfile.gettempdir()) / "costrel-conformance")


def source(suite: Suite) -> Path:
    """Return the folder with a suite's tests; a release is downloaded once."""
    if suite.release is None:
        return HERE / "own"

    name, version = suite.release
    folder = CACHE / "src" / f"{name.lower()}-{version}"
    done = folder / ".ok"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(_download(name, version)) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = (entry for entry in folder.iterdir() if entry.is_dir())
        done.write_text(str(unpacked))

    return Path(done.read_text())


def environment(suite: Suite, *, costrel: Path | None, python: str = "", fresh: bool = False) -> Path:
    """Return an environment with what the suite's lock lists; it is built once.

    Args:
        suite: Whose lock it is.
        costrel: The project to install in place of Flask; ``None`` keeps Flask.
        python: Its interpreter; by default Python 3.11, with which the expected outcomes were recorded.
        fresh: Build it again.
    """
    lock = HERE / "locks" / f"{suite.lock_name}.txt"
    of = suite.name if suite.renamed else suite.lock_name
    name = f"{of}.{'costrel' if costrel else 'flask'}{'.' * bool(python)}{Path(python).name}"
    folder = CACHE / "venvs" / name
    done = folder / ".ok"
    if fresh or not done.exists() or done.read_text() != lock.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"{suite.name}: building its environment ...", file=sys.stderr, flush=True)
        _run(_uv(), "venv", "-q", "--python", python or _python(), folder)
        _run(_uv(), "pip", "install", "-q", "--python", folder / "bin/python", "--no-deps", "-r", lock)
        done.write_text(lock.read_text())
    if costrel is not None:
        _install(costrel, folder, lock)
        for package, _ in suite.renamed:
            shutil.rmtree(_packages(folder) / package, ignore_errors=True)

    return folder


def _install(costrel: Path, folder: Path, lock: Path) -> None:
    """Install costrel from its source, take Flask away, and activate the alias for every process.

    Flask's metadata stays: an extension's installation says that it needs Flask.
    """
    python = folder / "bin/python"
    mark = folder / ".costrel"
    state = f"{costrel}\n{(costrel / 'pyproject.toml').read_text()}"
    if not mark.exists() or mark.read_text() != state:
        _run(_uv(), "pip", "install", "-q", "--python", python, "-c", lock, "-e", costrel)
        mark.write_text(state)
    shutil.rmtree(_packages(folder) / "flask", ignore_errors=True)
    _run(python, "-m", "costrel.as_flask", "install")


def _packages(folder: Path) -> Path:
    (packages,) = (folder / "lib").glob("python3.*/site-packages")

    return packages


def _download(name: str, version: str) -> Path:
    folder = CACHE / "sdists" / name
    folder.mkdir(parents=True, exist_ok=True)
    wanted = re.compile(rf"(?i){re.sub(r'[-_.]+', '[-_.]+', name)}-{re.escape(version)}\.tar\.gz")
    for _attempt in range(2):
        for file in folder.iterdir():
            if wanted.fullmatch(file.name):
                return file
        _run(
            *(_python(), "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps"),
            *("-d", folder, f"{name}=={version}"),
        )

    raise SystemExit(f"{name} {version} has no source distribution that this understands")


def _uv() -> Path:
    """Return uv, which builds an environment in a second where pip takes half a minute."""
    program = CACHE / "tools/bin/uv"
    if not program.exists():
        _run(_python(), "-m", "venv", CACHE / "tools")
        _run(CACHE / "tools/bin/python", "-m", "pip", "install", "-q", "uv")

    return program


def _python() -> str:
    """Return Python 3.11, or the one running where there is none."""
    found = shutil.which("python3.11")
    if found and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0:
        return found

    return sys.executable


def _run(*command: object) -> None:
    """Run a command quietly; if it fails, show the end of what it said, and stop."""
    env = {**os.environ, "UV_CACHE_DIR": str(CACHE / "uv-cache")}
    env.pop("VIRTUAL_ENV", None)
    # uv reads another variable than pip for the certificates of a company's proxy.
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}\n{done.stdout[-3000:]}")
