"""Forms and fields with a ``validate`` of their own: heard, and refused if nobody would wait for it."""

from __future__ import annotations

import asyncio

import pytest
import wtforms
from wtforms import FieldList, FormField, StringField, ValidationError

from costrel.ext.forms import AsyncValidatorError


async def is_free(form, field):
    await asyncio.sleep(0)
    if field.data == "taken":
        raise ValidationError("This name is taken.")


async def avalidated(app, form_class, data, *args):
    with app.test_request_context(method="POST", data=data):
        form = form_class()

        return await form.avalidate_on_submit(*args), form.errors


async def test_a_validate_of_the_forms_own_is_asked(app, plain_form):
    class Named(plain_form):
        name = StringField()

        def validate(self, extra_validators=None):
            return super().validate(extra_validators) and self.name.data != "nobody"

    assert (await avalidated(app, Named, {"name": "nobody"}))[0] is False
    assert (await avalidated(app, Named, {"name": "Ada"}))[0] is True


async def test_a_validate_of_the_forms_own_is_never_passed_over(app, plain_form):
    class Named(plain_form):
        name = StringField(validators=[is_free])

        def validate(self, extra_validators=None):
            return super().validate(extra_validators) and self.name.data != "nobody"

    with pytest.raises(AsyncValidatorError, match="async def avalidate"):
        await avalidated(app, Named, {"name": "nobody"})


async def test_an_avalidate_of_the_forms_own_is_asked_also_within_another(app, plain_form):
    class Named(plain_form):
        name = StringField(validators=[is_free])

        def validate(self, extra_validators=None):
            raise NotImplementedError

        async def avalidate(self, extra_validators=None):
            return await super().avalidate(extra_validators) and self.name.data != "nobody"

    class Order(plain_form):
        person = FormField(Named)

    assert (await avalidated(app, Named, {"name": "nobody"}))[0] is False
    assert (await avalidated(app, Order, {"person-name": "nobody"}))[0] is False
    assert (await avalidated(app, Order, {"person-name": "Ada"}))[0] is True


async def test_a_field_with_a_validate_of_its_own_is_asked_but_cannot_wait(app, plain_form):
    class Strict(StringField):
        def validate(self, form, extra_validators=()):
            return super().validate(form, extra_validators) and self.data != "nobody"

    class Named(plain_form):
        name = Strict()

    class Waiting(plain_form):
        name = Strict(validators=[is_free])

    assert (await avalidated(app, Named, {"name": "nobody"}))[0] is False
    assert (await avalidated(app, Named, {"name": "Ada"}))[0] is True
    with pytest.raises(AsyncValidatorError, match=r"Strict\.validate"):
        await avalidated(app, Waiting, {"name": "Ada"})


@pytest.mark.parametrize("name", ["validate", "validate_on_submit"])
def test_an_async_method_of_a_form_that_nobody_would_wait_for_is_refused(plain_form, name):
    async def method(self, extra_validators=None):
        return False

    with pytest.raises(AsyncValidatorError, match=f"Late.{name}.. is async") as caught:
        type("Late", (plain_form,), {name: method})
    assert f"a{name}" in caught.value.hint

    mixin = type("Mixin", (), {name: method})
    with pytest.raises(AsyncValidatorError):
        type("Late", (mixin, plain_form), {})


async def test_an_async_validate_of_a_field_or_an_inner_form_is_no_yes(app, plain_form):
    class Inner(wtforms.Form):
        async def validate(self, extra_validators=None):
            return False

    class Own(StringField):
        async def validate(self, form, extra_validators=()):
            return False

    for field in (FormField(Inner), FieldList(FormField(Inner), min_entries=1), Own()):
        form_class = type("Outer", (plain_form,), {"field": field})
        with app.test_request_context(method="POST"):
            assert await form_class().avalidate() is False
            with pytest.raises(AsyncValidatorError):
                form_class().validate()


async def test_a_form_in_a_list_that_says_no_is_heard_without_an_error(app, plain_form):
    class Inner(wtforms.Form):
        def validate(self, extra_validators=None):
            return False

    class Outer(plain_form):
        inner = FieldList(FormField(Inner), min_entries=1)

    with app.test_request_context(method="POST"):
        assert Outer().validate() is False
        assert await Outer().avalidate() is False
