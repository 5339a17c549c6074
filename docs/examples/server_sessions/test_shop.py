"""The shop keeps its sessions, and ends them."""

import importlib.util
from pathlib import Path

import pytest

from costrel.ext.session import MemoryStore

spec = importlib.util.spec_from_file_location("sessions_shop", Path(__file__).with_name("shop.py"))
shop = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shop)


@pytest.fixture
def app():
    return shop.create_app(TESTING=True, SESSION_COOKIE_SECURE=False, SESSION_STORE=MemoryStore())


def logged_in(app, agent):
    browser = app.test_client()
    browser.post("/login", data={"name": "ada"}, headers={"User-Agent": agent})

    return browser


def devices_of(browser):
    response = browser.get("/devices")

    return response.status_code, {one["device"]: one["id"] for one in response.json or ()}


def test_a_user_sees_the_devices_and_ends_one(app):
    phone, laptop = logged_in(app, "Phone"), logged_in(app, "Laptop")
    _, devices = devices_of(laptop)
    assert sorted(devices) == ["Laptop", "Phone"]

    laptop.post(f"/devices/{devices['Phone']}/end")

    assert phone.get("/devices").status_code == 401
    assert list(devices_of(laptop)[1]) == ["Laptop"]
    assert laptop.post("/devices/unknown/end").status_code == 404


def test_a_new_password_logs_out_everywhere_else(app):
    phone, laptop = logged_in(app, "Phone"), logged_in(app, "Laptop")

    laptop.post("/password")

    assert phone.get("/devices").status_code == 401
    assert list(devices_of(laptop)[1]) == ["Laptop"]


def test_likes_are_counted(app):
    browser = app.test_client()

    assert [browser.post("/likes").json["likes"] for _ in range(3)] == [1, 2, 3]
