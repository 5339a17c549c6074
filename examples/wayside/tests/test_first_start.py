"""What happens when nothing is there yet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from wayside import secret
from wayside.testing import PASSWORD, Person


def test_first_start_has_sample_walks_with_pictures(serve):
    visitor = Person(serve(SAMPLE_DATA=True))

    answer = visitor.get("/api/walks").json

    assert answer["total"] == 12
    pictures = [walk["picture"] for walk in answer["walks"] if walk["picture"]]
    assert pictures
    for picture in pictures:
        assert visitor.get(picture).mimetype.startswith("image/")


def test_nobody_can_sign_in_as_a_sample_author(serve):
    visitor = Person(serve(SAMPLE_DATA=True))

    for password in ("", PASSWORD):
        assert visitor.post("/login", {"username": "fern", "password": password}).status_code == 422


def test_first_real_account_becomes_keeper_beside_the_samples(serve):
    visitor = Person(serve(SAMPLE_DATA=True)).join("robin")

    assert visitor.get("/desk").status_code == 200


def test_several_first_requests_at_once_make_one_database(serve):
    app = serve(SAMPLE_DATA=True)

    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(lambda _: Person(app).get("/api/walks").json["total"], range(8)))

    assert totals == [12] * 8


def test_second_start_keeps_what_is_there(serve):
    Person(serve()).join("fern").add_walk()

    assert Person(serve(SAMPLE_DATA=True)).get("/api/walks").json["total"] == 1


@pytest.mark.parametrize("samples", [True, False])
def test_samples_come_at_the_first_start_or_never(serve, samples):
    keeper = Person(serve(SAMPLE_DATA=samples, WALKS_PER_PAGE=50)).join("robin")
    for walk in keeper.get("/api/walks").json["walks"]:
        keeper.post(f"/walks/{walk['id']}/delete")

    assert Person(serve(SAMPLE_DATA=True)).get("/api/walks").json["total"] == 0


def test_secret_key_is_made_once_and_readable_by_the_owner_only(tmp_path):
    key = secret.read_or_create(str(tmp_path))

    assert len(key) == 64
    assert secret.read_or_create(str(tmp_path)) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
