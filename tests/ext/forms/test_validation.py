from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest
import wtforms
from wtforms import FieldList, FormField, StringField
from wtforms.validators import InputRequired, StopValidation, ValidationError

from costrel.ext.forms import AsyncValidatorError, FlaskForm


async def is_free(form, field):
    await asyncio.sleep(0)
    if field.data == "taken":
        raise ValidationError("This name is taken.")


async def stop(form, field):
    await asyncio.sleep(0)
    raise StopValidation("Stopped.")


class Free:
    async def __call__(self, form, field):
        await is_free(form, field)


def later(form, field):
    return is_free(form, field)


class Spy:
    """Notes when it is called and when it is through."""

    def __init__(self, told, name, turns=0):
        self.told, self.name, self.turns = told, name, turns

    async def __call__(self, form, field):
        self.told.append(f"{self.name} begins")
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.told.append(f"{self.name} ends")


def in_request(app, form_class, data):
    """Make a form of a request that submits ``data``."""
    with app.test_request_context(method="POST", data=data):
        return form_class()


async def avalidated(app, form_class, data, *args):
    with app.test_request_context(method="POST", data=data):
        form = form_class()

        return await form.avalidate_on_submit(*args), form.errors


def with_validators(base, *validators):
    class Named(base):
        name = StringField(validators=list(validators))

    return Named


@pytest.mark.parametrize("validator", [is_free, Free(), later])
async def test_async_validators_are_waited_for(app, plain_form, validator):
    form_class = with_validators(plain_form, validator)

    assert await avalidated(app, form_class, {"name": "new"}) == (True, {})
    assert await avalidated(app, form_class, {"name": "taken"}) == (False, {"name": ["This name is taken."]})


async def test_an_async_method_of_the_form_is_waited_for(app, plain_form):
    class Named(plain_form):
        name = StringField()

        async def validate_name(self, field):
            await is_free(self, field)

    assert await avalidated(app, Named, {"name": "taken"}) == (False, {"name": ["This name is taken."]})


async def test_extra_validators_may_be_async(app, name_form):
    found = await avalidated(app, name_form, {"name": "taken"}, {"name": [is_free]})

    assert found == (False, {"name": ["This name is taken."]})


async def test_forms_in_lists_in_forms_are_waited_for(app, plain_form):
    class Address(wtforms.Form):
        street = StringField()

        async def validate_street(self, field):
            await is_free(self, field)

    class Order(plain_form):
        addresses = FieldList(FormField(Address))
        names = FieldList(StringField(validators=[is_free]))

    data = {"addresses-0-street": "free", "addresses-1-street": "taken", "names-0": "taken"}

    assert await avalidated(app, Order, data) == (
        False,
        {"addresses": [{}, {"street": ["This name is taken."]}], "names": [["This name is taken."]]},
    )


@pytest.mark.parametrize("validator", [is_free, Free(), later])
def test_without_waiting_it_is_an_error_and_not_a_pass(app, plain_form, validator):
    form = in_request(app, with_validators(plain_form, InputRequired(), validator), {"name": "taken"})

    with pytest.raises(AsyncValidatorError) as caught:
        form.validate()

    assert "of the field 'name' is async" in caught.value.problem
    assert "await form.avalidate()" in caught.value.hint


def test_a_form_in_a_form_is_no_way_round_the_error(app, plain_form):
    class Order(plain_form):
        address = FormField(with_validators(wtforms.Form, is_free))

    with pytest.raises(AsyncValidatorError):
        in_request(app, Order, {"address-name": "x"}).validate()


async def test_the_validators_of_a_field_keep_their_order_and_may_stop(app, plain_form):
    told = []

    class Named(plain_form):
        name = StringField(
            validators=[
                Spy(told, "first", 3),
                lambda form, field: told.append("second"),
                Spy(told, "third"),
                stop,
                Spy(told, "never"),
            ]
        )

    assert await avalidated(app, Named, {"name": "x"}) == (False, {"name": ["Stopped."]})
    assert told == ["first begins", "first ends", "second", "third begins", "third ends"]


async def test_a_field_begins_when_the_one_before_it_is_through(app, plain_form):
    told = []

    class Two(plain_form):
        a = StringField(validators=[Spy(told, "a", 3)])
        b = StringField(validators=[Spy(told, "b")])

    await avalidated(app, Two, {})

    assert told == ["a begins", "a ends", "b begins", "b ends"]


async def test_fields_may_be_validated_at_the_same_time_each_in_order(app, plain_form):
    told = []

    class Two(plain_form):
        class Meta:
            validate_concurrently = True

        a = StringField(validators=[Spy(told, "a1", 9), Spy(told, "a2")])
        b = StringField(validators=[Spy(told, "b1"), is_free])

    assert await avalidated(app, Two, {"b": "taken"}) == (False, {"b": ["This name is taken."]})
    assert told == ["a1 begins", "b1 begins", "b1 ends", "a1 ends", "a2 begins", "a2 ends"]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_an_exception_that_is_no_validation_error_ends_it_all(app, plain_form, concurrent):
    told = []

    async def fail(form, field):
        await asyncio.sleep(0)
        raise LookupError("no such table")

    class Two(plain_form):
        a = StringField(validators=[fail])
        b = StringField(validators=[Spy(told, "b", 1_000)])

    with app.test_request_context(method="POST"):
        form = Two(meta={"validate_concurrently": concurrent})
        with pytest.raises(LookupError, match="no such table"):
            await form.avalidate()

    assert "b ends" not in told
    assert len(asyncio.all_tasks()) == 1


async def test_a_validator_sees_the_context_of_the_request(app, plain_form):
    seen = ContextVar("seen", default="nothing")

    async def look(form, field):
        raise ValidationError(seen.get())

    seen.set("this")

    assert await avalidated(app, with_validators(plain_form, look), {}) == (False, {"name": ["this"]})


async def test_a_form_without_async_validators_may_be_awaited_too(app, name_form):
    assert await avalidated(app, name_form, {}) == (False, {"name": ["This field is required."]})
    assert await avalidated(app, name_form, {"name": "Ada"}) == (True, {})


async def test_a_request_that_submits_nothing_validates_nothing(app, plain_form):
    with app.test_request_context():
        form = with_validators(plain_form, stop)()

        assert not await form.avalidate_on_submit()
        assert form.errors == {}


async def test_the_checks_of_a_field_itself_may_be_async(app, plain_form):
    class Checked(StringField):
        async def pre_validate(self, form):
            await stop(form, self)

        async def post_validate(self, form, validation_stopped):
            raise ValidationError(f"stopped: {validation_stopped}")

    class Named(plain_form):
        name = Checked()

    assert await avalidated(app, Named, {}) == (False, {"name": ["Stopped.", "stopped: True"]})


async def test_cancelling_reaches_the_validator(app, plain_form):
    told = []

    async def wait(form, field):
        try:
            await asyncio.Event().wait()
        finally:
            told.append("let go")

    with app.test_request_context(method="POST"):
        task = asyncio.ensure_future(with_validators(plain_form, wait)().avalidate())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert told == ["let go"]


def test_an_async_view_validates_over_both_protocols(app, client):
    class Named(FlaskForm):
        class Meta:
            csrf = False

        name = StringField(validators=[InputRequired(), is_free])

    @app.post("/")
    async def view():
        form = Named()
        return "welcome" if await form.avalidate_on_submit() else (form.errors, 422)

    browser = client(app)

    assert browser.post("/", data={"name": "new"}).text == "welcome"
    assert browser.post("/", data={"name": "taken"}).json == {"name": ["This name is taken."]}
    assert browser.post("/", data={}).status_code == 422


def test_a_sync_view_can_wait_too(app, client, plain_form):
    @app.post("/")
    def view():
        form = with_validators(plain_form, is_free)()
        return str(app.ensure_sync(form.avalidate)())

    browser = client(app)

    assert [browser.post("/", data={"name": name}).text for name in ("new", "taken")] == ["True", "False"]
