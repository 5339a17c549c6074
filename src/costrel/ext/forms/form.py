"""``FlaskForm``: a form of WTForms that takes its data from the request, with a token against CSRF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import wtforms  # type: ignore[import-untyped]  # WTForms has no types
from markupsafe import Markup
from wtforms.widgets import HiddenInput  # type: ignore[import-untyped]  # as above

from costrel.ext.forms.meta import AUTO, SUBMIT_METHODS, is_submitted
from costrel.ext.forms.meta import Meta as FormMeta
from costrel.ext.forms.settling import settle
from costrel.ext.forms.validation import (
    arun,
    arun_together,
    default,
    find_async_validator,
    form_steps,
    has_own_avalidate,
    is_default,
    refuse_async_methods,
    refuse_bypass,
    run,
    steps_by_field,
)

__all__ = ["SUBMIT_METHODS", "FlaskForm", "Form"]


# Any: WTForms has no types; validators are what applications make.
class FlaskForm(wtforms.Form):  # type: ignore[misc]  # WTForms has no types
    """A form that knows the request.

    Its fields are class attributes; ``validate_<field>`` methods validate one
    more thing each. Both they and functions in ``validators`` may be async;
    then use ``avalidate`` or ``avalidate_on_submit``.

    Args:
        formdata: What was submitted. By default what the current request
            brings, in its form, its files, or as a JSON object. ``None``: nothing.
        **kwargs: WTForms' own arguments: ``obj``, ``data``, ``prefix``,
            ``meta``, and defaults of fields.
    """

    Meta = FormMeta

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_async_methods(cls)

    def __init__(self, formdata: Any = AUTO, **kwargs: Any) -> None:
        super().__init__(formdata=formdata, **kwargs)

    def process(
        self,
        formdata: Any = None,
        obj: Any = None,
        data: Any = None,
        extra_filters: Any = None,
        **kwargs: Any,
    ) -> None:
        """Take data in; see WTForms. What a field cannot take becomes an error of it."""
        super().process(formdata, obj, data=data, extra_filters=extra_filters, **kwargs)
        if self.meta._parent_form is None:
            settle(self, finite_numbers=self.meta.finite_numbers)

    def is_submitted(self) -> bool:
        """Tell whether there is a request, and its method is ``POST``, ``PUT``, ``PATCH`` or ``DELETE``."""
        return is_submitted()

    @default
    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Validate all fields; messages are in ``errors``.

        Args:
            extra_validators: More validators, by the names of fields.

        Returns:
            Whether everything is valid.

        Raises:
            AsyncValidatorError: If a validator is async: await ``avalidate``.
        """
        following = super().validate
        if is_default(following.__func__):
            return run(form_steps(self, extra_validators, aio=False))
        if find_async_validator(self) is not None:
            run(form_steps(self, extra_validators, aio=False))  # which explains

        return bool(following(extra_validators))

    @default
    async def avalidate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Validate all fields, waiting for async validators.

        The fields are validated in their order, or at the same time if
        ``Meta.validate_concurrently`` is on. Validators that are not async
        run on the event loop.

        Args:
            extra_validators: More validators, by the names of fields.

        Returns:
            Whether everything is valid.

        Raises:
            AsyncValidatorError: If the form has a ``validate`` of its own and
                async validators, so that one of them would be passed over.
        """
        if not is_default(type(self).validate) and not has_own_avalidate(self):
            refuse_bypass(self)
            return self.validate(extra_validators)
        if self.meta.validate_concurrently:
            return all(await arun_together(steps_by_field(self, extra_validators, aio=True)))

        return await arun(form_steps(self, extra_validators, aio=True))

    def validate_on_submit(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Validate the form if it is submitted: ``is_submitted() and validate()``."""
        return self.is_submitted() and self.validate(extra_validators=extra_validators)

    async def avalidate_on_submit(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Validate the form if it is submitted, waiting for async validators."""
        return self.is_submitted() and await self.avalidate(extra_validators=extra_validators)

    def hidden_tag(self, *fields: Any) -> Markup:
        """Render the hidden fields, the token's among them.

        Args:
            *fields: Only these, as fields or names; those that are not hidden
                or not there are passed over.
        """
        return Markup("\n".join(str(field) for field in self._hidden(fields or self)))

    def _hidden(self, fields: Any) -> Iterator[Any]:
        for field in fields:
            found = getattr(self, field, None) if isinstance(field, str) else field
            if found is not None and isinstance(found.widget, HiddenInput):
                yield found


Form = FlaskForm
