"""Fields and validators for uploads, by the names they have in ``flask_wtf.file``.

SECURITY: the validators see a file's name and size, and the visitor chooses
the name. What is in a file, only looking into it tells.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Protocol

import wtforms  # type: ignore[import-untyped]  # WTForms has no types
from werkzeug.datastructures import FileStorage
from wtforms.validators import DataRequired, StopValidation, ValidationError  # type: ignore[import-untyped]  # as above

__all__ = [
    "FileAllowed",
    "FileField",
    "FileRequired",
    "FileSize",
    "MultipleFileField",
    "file_allowed",
    "file_required",
    "file_size",
]


class UploadSet(Protocol):
    """What Flask-Uploads and its like call a set of allowed files."""

    def file_allowed(self, storage: Any, basename: str) -> bool: ...


# Any: WTForms has no types.
class FileField(wtforms.FileField):  # type: ignore[misc]  # WTForms has no types
    """An upload; its ``data`` is Werkzeug's ``FileStorage``, or ``None``."""

    data: FileStorage | None

    def process_formdata(self, valuelist: Iterable[Any]) -> None:
        """Take the first file that has a name."""
        data = next(iter(_files(valuelist)), None)
        if data is not None:
            self.data = data
        else:
            self.raw_data: list[Any] | None = []


class MultipleFileField(wtforms.MultipleFileField):  # type: ignore[misc]  # WTForms has no types
    """Several uploads; its ``data`` is a list of ``FileStorage``, or ``None``."""

    data: list[FileStorage] | None

    def process_formdata(self, valuelist: Iterable[Any]) -> None:
        """Take all files that have a name."""
        data = _files(valuelist)
        if data:
            # typeshed's type has no room for the None that is there before something was sent
            self.data = data  # pyright: ignore[reportIncompatibleVariableOverride]
        else:
            self.raw_data: list[Any] | None = []


class FileRequired(DataRequired):  # type: ignore[misc]  # WTForms has no types
    """Refuse a field without a file. Also named ``file_required``.

    Args:
        message: What visitors read.
    """

    def __call__(self, form: Any, field: Any) -> None:
        """Look at a field."""
        if not _uploads(field):
            raise StopValidation(self.message or field.gettext("This field is required."))


class FileAllowed:
    """Refuse files whose names do not end as they should. Also named ``file_allowed``.

    Browsers offer only files that fit, if it is a list of extensions.

    Args:
        upload_set: Extensions without a dot, ``["jpg", "png"]``, in any case;
            or an ``UploadSet`` of Flask-Uploads.
        message: What visitors read.
    """

    def __init__(self, upload_set: Iterable[str] | UploadSet, message: str | None = None) -> None:
        self.upload_set = upload_set
        self.message = message
        self.extensions = _extensions(upload_set)
        self.field_flags: dict[str, Any] = {}
        if self.extensions is not None:
            self.field_flags["accept"] = ",".join(f".{extension}" for extension in self.extensions)

    def __call__(self, form: Any, field: Any) -> None:
        """Look at a field."""
        uploads = _uploads(field)
        for upload in uploads:
            name = (upload.filename or "").lower()
            if self.extensions is None:
                if not self.upload_set.file_allowed(upload, name):  # type: ignore[union-attr]  # it is an UploadSet
                    raise StopValidation(
                        self.message or field.gettext("File does not have an approved extension.")
                    )
            elif not name.endswith(tuple(f".{extension}" for extension in self.extensions)):
                told = field.gettext("File does not have an approved extension: {extensions}")
                raise StopValidation(self.message or told.format(extensions=", ".join(self.extensions)))


class FileSize:
    """Refuse files that are too small or too large. Also named ``file_size``.

    The whole request is limited by ``MAX_CONTENT_LENGTH``, before this is asked.

    Args:
        max_size: The largest size, in bytes.
        min_size: The smallest size, in bytes.
        message: What visitors read.
    """

    def __init__(self, max_size: int, min_size: int = 0, message: str | None = None) -> None:
        self.min_size = min_size
        self.max_size = max_size
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        """Look at a field."""
        for upload in _uploads(field):
            if not self.min_size <= _size_of(upload) <= self.max_size:
                told = field.gettext("File must be between {min_size} and {max_size} bytes.")
                told = told.format(min_size=self.min_size, max_size=self.max_size)
                raise ValidationError(self.message or told)


file_required = FileRequired
file_allowed = FileAllowed
file_size = FileSize


def _files(values: Iterable[Any]) -> list[FileStorage]:
    """Keep the files; a file without a name is a field that was left empty."""
    return [value for value in values if isinstance(value, FileStorage) and value]


def _uploads(field: Any) -> list[FileStorage]:
    """Return the files of a field; none if there is anything else among them."""
    data = field.data if isinstance(field.data, list) else [field.data]
    uploads = _files(data)

    return uploads if len(uploads) == len(data) else []


def _extensions(upload_set: Any) -> tuple[str, ...] | None:
    if isinstance(upload_set, str):
        upload_set = (upload_set,)
    if not isinstance(upload_set, Iterable):
        return None

    return tuple(extension.lower().removeprefix(".") for extension in upload_set)


def _size_of(upload: FileStorage) -> int:
    """Measure a file, and leave it at its beginning.

    Raises:
        TypeError: If it cannot be measured without reading it.
    """
    stream = upload.stream
    if not stream.seekable():
        name = type(stream).__name__
        raise TypeError(f"File stream {name} is not seekable. FileSize validator requires seekable streams.")
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)

    return size
