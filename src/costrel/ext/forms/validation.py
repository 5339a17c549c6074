"""Validating a form once, for callers that can wait and callers that cannot. Knows no request.

``form_steps`` and ``field_steps`` do what WTForms' ``validate`` methods do, as
generators. They yield a ``Pending`` for each validator that has to be waited
for; its outcome is sent or thrown back in. They return whether all is valid.
``run`` refuses to wait; ``arun`` waits.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from wtforms import FieldList, Form, FormField  # type: ignore[import-untyped]  # WTForms has no types
from wtforms.fields import Field  # type: ignore[import-untyped]  # as above
from wtforms.form import BaseForm  # type: ignore[import-untyped]  # as above
from wtforms.validators import StopValidation, ValidationError  # type: ignore[import-untyped]  # as above

from costrel.errors import CostrelError
from costrel.ext.forms.settling import is_refused

__all__ = [
    "AsyncValidatorError",
    "Pending",
    "Steps",
    "arun",
    "arun_together",
    "default",
    "field_steps",
    "find_async_validator",
    "form_steps",
    "has_own_avalidate",
    "is_default",
    "refuse_async_methods",
    "refuse_bypass",
    "run",
    "steps_by_field",
]


class AsyncValidatorError(CostrelError, TypeError):
    """A form with async validators was validated in a way that cannot wait for them."""


class Pending(NamedTuple):
    """A validator that has to be waited for."""

    awaitable: Awaitable[Any]
    validator: Any
    field: Any


Steps = Generator[Pending, Any, bool]
T = TypeVar("T", bound=Callable[..., Any])

_CHAIN = "_run_validation_chain"  # a field with one of its own


# Any: functions; WTForms has no types.
def is_default(method: Any) -> bool:
    """Tell whether a method of a form's class is WTForms' or ours: the steps here do all that it does."""
    return method in (BaseForm.validate, Form.validate) or getattr(method, "is_default", False)


def default(method: T) -> T:
    """Mark a method of ``FlaskForm`` that applications may override."""
    method.is_default = True  # type: ignore[attr-defined]  # functions take attributes

    return method


def run(steps: Steps) -> bool:
    """Take the steps without waiting.

    Raises:
        AsyncValidatorError: If a validator has to be waited for.
    """
    try:
        pending = next(steps)
    except StopIteration as done:
        return bool(done.value)

    close = getattr(pending.awaitable, "close", None)
    if close is not None:
        close()  # or Python complains that nobody waited for it
    steps.close()
    raise _cannot_wait(pending.validator, pending.field)


async def arun(steps: Steps) -> bool:
    """Take the steps, waiting where it is needed."""
    try:
        pending = next(steps)
        while True:
            try:
                result = await pending.awaitable
            except BaseException as error:  # all of it: also a cancellation is for the generator to see
                pending = steps.throw(error)
            else:
                pending = steps.send(result)
    except StopIteration as done:
        return bool(done.value)


async def arun_together(all_steps: Iterable[Steps]) -> list[bool]:
    """Take the steps of several fields at the same time; the first exception ends all of them."""
    tasks = [asyncio.ensure_future(arun(steps)) for steps in all_steps]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cannot_wait(validator: Any, field: Any) -> AsyncValidatorError:
    name = getattr(validator, "__qualname__", None) or type(validator).__qualname__

    return AsyncValidatorError(
        f"the validator {name} of the field {field.name!r} is async, and validate() does not wait",
        hint="Write: await form.avalidate() or await form.avalidate_on_submit(), in an async view.",
    )


# Any: forms and fields; WTForms has no types.
def steps_by_field(form: Any, extra: Mapping[str, Iterable[Any]] | None = None, *, aio: bool) -> list[Steps]:
    """Return the steps of each field of a form.

    Args:
        form: The form.
        extra: More validators, by the attributes of the fields.
        aio: The caller waits.
    """
    found = []
    for name, field in form._fields.items():
        validators = list((extra or {}).get(name, ()))
        inline = getattr(type(form), f"validate_{name}", None) if isinstance(form, Form) else None
        if inline is not None:
            validators.append(inline)
        found.append(field_steps(field, form, validators, aio=aio))

    return found


def form_steps(form: Any, extra: Mapping[str, Iterable[Any]] | None = None, *, aio: bool) -> Steps:
    """Validate a form: its fields in their order, each wholly before the next."""
    is_valid = True
    for steps in steps_by_field(form, extra, aio=aio):
        if not (yield from steps):
            is_valid = False

    return is_valid


def field_steps(field: Any, form: Any, extra: Iterable[Any] = (), *, aio: bool) -> Steps:
    """Validate a field: its own check, its validators in their order, its last check."""
    extra = list(extra)
    kind = type(field).validate
    if kind is FormField.validate and not extra:
        return (yield from _nested_form_steps(field, aio=aio))
    if kind is FieldList.validate:
        return (yield from _list_steps(field, form, extra, aio=aio))
    if kind is not Field.validate or getattr(type(field), _CHAIN) is not getattr(Field, _CHAIN):
        return (yield from _own_steps(field, form, extra))

    field.errors = list(field.process_errors)
    field.check_validators(extra)
    if is_refused(field):
        return False  # Optional and InputRequired would forget the error

    stopped = False
    try:
        yield from _wait_for(field.pre_validate(form), field.pre_validate, field)
    except StopValidation as error:
        stopped = True
        _note(field, error)
    except ValidationError as error:
        field.errors.append(error.args[0])
    if not stopped:
        stopped = yield from _chain(field, form, [*field.validators, *extra], aio=aio)
    try:
        yield from _wait_for(field.post_validate(form, stopped), field.post_validate, field)
    except ValidationError as error:
        field.errors.append(error.args[0])

    return len(field.errors) == 0


def _chain(field: Any, form: Any, validators: Iterable[Any], *, aio: bool) -> Generator[Pending, Any, bool]:
    """Call validators one after the other; return whether one stopped the rest."""
    for validator in validators:
        call = getattr(validator, "acall", validator) if aio else validator
        try:
            yield from _wait_for(call(form, field), validator, field)
        except StopValidation as error:
            _note(field, error)
            return True
        except ValidationError as error:
            field.errors.append(error.args[0])

    return False


def _wait_for(result: Any, validator: Any, field: Any) -> Generator[Pending, Any, None]:
    # What most validators return is None, and asking whether one can wait for it takes longer.
    if result is not None and inspect.isawaitable(result):
        yield Pending(result, validator, field)


def _note(field: Any, error: StopValidation) -> None:
    if error.args and error.args[0]:
        field.errors.append(error.args[0])


def _list_steps(field: Any, form: Any, extra: list[Any], *, aio: bool) -> Steps:
    field.errors = []
    is_valid = True
    for entry in field.entries:
        if not (yield from field_steps(entry, form, aio=aio)):
            is_valid = False  # also without an error, which WTForms overlooks
        field.errors.append(entry.errors)
    if not any(field.errors):
        field.errors = []
    yield from _chain(field, form, [*field.validators, *extra], aio=aio)

    return is_valid and len(field.errors) == 0


def _nested_form_steps(field: Any, *, aio: bool) -> Steps:
    form = field.form
    if is_default(type(form).validate):
        return (yield from form_steps(form, aio=aio))
    if aio and has_own_avalidate(form):
        return bool((yield Pending(form.avalidate(), form.avalidate, field)))
    refuse_bypass(form)

    return (yield from _outcome(form.validate(), form.validate, field))


def _own_steps(field: Any, form: Any, extra: list[Any]) -> Steps:
    """Call the ``validate`` of a field's class, which does not wait for validators."""
    for validator in [*field.validators, *extra]:
        if _is_async(validator):
            raise AsyncValidatorError(
                f"the field {field.name!r} has an async validator, "
                f"and {type(field).__name__}.validate() does not wait",
                hint="Put what is the field's own into pre_validate() or post_validate().",
            )

    return (yield from _outcome(field.validate(form, extra), field.validate, field))


def _outcome(result: Any, method: Any, field: Any) -> Steps:
    """Return what a ``validate`` of an application's own said; if it is async, once it has said so."""
    if inspect.isawaitable(result):  # SECURITY: or the coroutine would count as a yes
        result = yield Pending(result, method, field)

    return bool(result)


# Which validators are async: known before anything is called.


def _is_async(validator: Any) -> bool:
    return inspect.iscoroutinefunction(validator) or inspect.iscoroutinefunction(
        getattr(type(validator), "__call__", None)  # noqa: B004  # whether it is async, not whether it is there
    )


def find_async_validator(form: Any) -> tuple[Any, Any] | None:
    """Return the first async validator of a form with its field; ``None`` if it has none."""
    for name, field in form._fields.items():
        inline = getattr(type(form), f"validate_{name}", None)
        found = _find_in_field(field, [] if inline is None else [inline])
        if found is not None:
            return found

    return None


def _find_in_field(field: Any, extra: list[Any]) -> tuple[Any, Any] | None:
    if isinstance(field, FormField):
        return find_async_validator(field.form)
    for validator in [*field.validators, *extra]:
        if _is_async(validator):
            return validator, field
    if isinstance(field, FieldList):
        for entry in field.entries:
            found = _find_in_field(entry, [])
            if found is not None:
                return found

    return None


def refuse_async_methods(form_class: type[Any]) -> None:
    """Refuse a subclass of ``FlaskForm`` whose ``validate`` is async: what it returns would count as a yes.

    Raises:
        AsyncValidatorError: With the name that it should have.
    """
    for name in ("validate", "validate_on_submit"):
        if inspect.iscoroutinefunction(getattr(form_class, name)):
            raise AsyncValidatorError(
                f"{form_class.__name__}.{name}() is async, and who calls {name}() does not wait",
                hint=f"Name it a{name}, and await form.avalidate_on_submit() in the view.",
            )


def has_own_avalidate(form: Any) -> bool:
    """Tell whether a form's class says itself how it is validated where one can wait."""
    own = getattr(type(form), "avalidate", None)

    return own is not None and not is_default(own)


def refuse_bypass(form: Any) -> None:
    """Refuse a form whose own ``validate`` would have to wait.

    Raises:
        AsyncValidatorError: If it has async validators; going on without its
            ``validate`` would let through what that refuses.
    """
    found = find_async_validator(form)
    if found is None:
        return

    name = type(form).__name__
    raise AsyncValidatorError(
        f"{name} has an async validator (of the field {found[1].name!r}) and a validate() that does not wait",
        hint=f"Make {name}.validate() an async def avalidate(self, extra_validators=None) "
        "that awaits super().avalidate(extra_validators).",
    )
