import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # not needed once the project is installed

from guestbook import create_app


@pytest.fixture
def app(tmp_path):
    return create_app({"TESTING": True, "SECRET_KEY": "test", "DATABASE": tmp_path / "test.sqlite"})


@pytest.fixture
def client(app):
    return app.test_client()
