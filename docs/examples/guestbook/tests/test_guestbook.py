def test_an_empty_book_shows_the_form(client):
    page = client.get("/")

    assert page.status_code == 200
    assert "<form" in page.text


def test_a_signature_appears_on_the_page(client):
    page = client.post("/", data={"name": "Ada", "text": "Lovely."}, follow_redirects=True)

    assert "Thank you, Ada!" in page.text
    assert "Lovely." in page.text


def test_an_empty_field_is_refused_with_a_word(client):
    page = client.post("/", data={"name": "Ada", "text": " "}, follow_redirects=True)

    assert "both fields" in page.text
    assert "<article>" not in page.text


def test_what_visitors_write_is_escaped(client):
    page = client.post("/", data={"name": "Eve", "text": "<script>"}, follow_redirects=True)

    assert "&lt;script&gt;" in page.text


def test_a_form_of_another_site_is_refused(client):
    answer = client.post("/", data={"name": "Eve", "text": "hi"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
