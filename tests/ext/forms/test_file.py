from __future__ import annotations

import io

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import FileField as AnyFileField

from costrel.ext.forms.file import (
    FileAllowed,
    FileField,
    FileRequired,
    FileSize,
    MultipleFileField,
    file_allowed,
    file_required,
    file_size,
)


def upload(name="tea.png", content=b""):
    return FileStorage(io.BytesIO(content), name)


def form_with(base, field_class, *validators):
    class Uploading(base):
        photo = field_class(validators=list(validators))

    return Uploading


@pytest.fixture(params=[FileField, MultipleFileField])
def field_class(request):
    return request.param


@pytest.fixture
def errors(app, plain_form, field_class):
    """Validate files, and return the errors."""

    def validate(validator, *files):
        with app.test_request_context():
            form = form_with(plain_form, field_class, validator)(
                MultiDict([("photo", file) for file in files])
            )
            form.validate()
            return form.photo.errors

    return validate


def test_a_file_field_has_the_first_file_with_a_name(app, plain_form):
    first, second = upload("a"), upload("b")

    with app.test_request_context():
        form = form_with(plain_form, FileField)(
            MultiDict([("photo", FileStorage()), ("photo", first), ("photo", second)])
        )

    assert form.photo.data is first


def test_a_multiple_file_field_has_all_files_with_a_name(app, plain_form):
    first, second = upload("a"), upload("b")

    with app.test_request_context():
        form = form_with(plain_form, MultipleFileField)(
            MultiDict([("photo", first), ("photo", FileStorage()), ("photo", second)])
        )

    assert form.photo.data == [first, second]


def test_no_file_is_none(app, plain_form, field_class):
    for data in ({}, {"photo": ""}, {"photo": "tea.png"}, {"photo": FileStorage()}):
        with app.test_request_context():
            assert form_with(plain_form, field_class)(MultiDict(data)).photo.data is None


def test_a_text_is_no_file_for_wtforms_own_field_either(app, plain_form):
    with app.test_request_context(method="POST", data={"photo": "/etc/passwd"}):
        assert form_with(plain_form, AnyFileField)().photo.data is None


def test_a_file_may_be_required(errors):
    assert errors(FileRequired()) == ["This field is required."]
    assert errors(FileRequired("Where is it?")) == ["Where is it?"]
    assert errors(FileRequired(), "tea.png") == ["This field is required."]
    assert errors(FileRequired(), upload()) == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("tea.png", True),
        ("TEA.JPG", True),
        ("tea.txt", False),
        ("png", False),
        ("tea.png.exe", False),
        ("teapng", False),
    ],
)
def test_the_end_of_the_name_decides(errors, name, allowed):
    found = errors(FileAllowed(["png", "JPG"]), upload(name))

    assert found == ([] if allowed else ["File does not have an approved extension: png, jpg"])


def test_a_message_of_ones_own_is_shown(errors):
    assert errors(FileAllowed(["png"], "Pictures only."), upload("tea.txt")) == ["Pictures only."]


def test_a_single_extension_may_be_a_text(errors):
    assert errors(FileAllowed("png"), upload("tea.png")) == []
    assert errors(FileAllowed("png"), upload("tea.n")) != []


def test_an_upload_set_is_asked(errors):
    class Images:
        def file_allowed(self, storage, basename):
            return isinstance(storage, FileStorage) and basename.endswith(".png")

    assert errors(FileAllowed(Images()), upload("TEA.PNG")) == []
    assert errors(FileAllowed(Images()), upload("tea.txt")) == ["File does not have an approved extension."]


def test_each_file_is_looked_at(app, plain_form):
    files = MultiDict([("photo", upload("a.png")), ("photo", upload("b.txt"))])
    with app.test_request_context():
        form = form_with(plain_form, MultipleFileField, FileAllowed(["png"]))(files)

        assert not form.validate()


def test_no_file_is_no_wrong_file(errors):
    assert errors(FileAllowed(["png"])) == []
    assert errors(FileSize(1)) == []


def test_browsers_are_told_what_to_offer(app, plain_form, field_class):
    with app.test_request_context():
        assert (
            'accept=".png,.jpg"' in form_with(plain_form, field_class, FileAllowed(["png", "JPG"]))().photo()
        )


@pytest.mark.parametrize(("size", "allowed"), [(1, False), (2, True), (4, True), (5, False)])
def test_the_size_has_both_limits(errors, size, allowed):
    found = errors(FileSize(min_size=2, max_size=4), upload(content=b"x" * size))

    assert found == ([] if allowed else ["File must be between 2 and 4 bytes."])


def test_a_file_that_was_measured_is_read_from_its_beginning(app, plain_form, tmp_path):
    (tmp_path / "tea.png").write_bytes(b"leaves")
    with app.test_request_context(), (tmp_path / "tea.png").open("rb") as stream:
        form = form_with(plain_form, FileField, FileSize(10))(
            MultiDict({"photo": FileStorage(stream, "tea.png")})
        )

        assert form.validate()
        assert form.photo.data.read() == b"leaves"


def test_a_stream_that_cannot_be_measured_is_an_error(errors):
    class Pipe(io.RawIOBase):
        pass

    with pytest.raises(TypeError, match="Pipe is not seekable"):
        errors(FileSize(10), FileStorage(Pipe(), "tea.png"))


def test_the_short_names_are_the_same():
    assert (file_required, file_allowed, file_size) == (FileRequired, FileAllowed, FileSize)


def test_a_large_file_is_measured_over_both_protocols(app, client, plain_form):
    form_class = form_with(plain_form, FileField, FileRequired(), FileSize(700_000))

    @app.post("/")
    def view():
        form = form_class()
        return form.errors if not form.validate() else str(len(form.photo.data.read()))

    browser = client(app)
    head = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.bin"\r\n\r\n'
    answers = [
        browser.post(
            "/", data=head + b"x" * size + b"\r\n--x--\r\n", content_type="multipart/form-data; boundary=x"
        )
        for size in (700_000, 700_001)
    ]

    assert answers[0].text == "700000"
    assert answers[1].json == {"photo": ["File must be between 0 and 700000 bytes."]}
