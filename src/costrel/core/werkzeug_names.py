"""What has another name from Werkzeug 3.2 on, under one name here. Knows nothing else.

The old names are there in 3.2 too, with a warning when they are imported;
in an application whose tests turn warnings into errors it would stop everything.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import ETags, IfRange, Range

__all__ = ["STATUS_PHRASES", "read_accept", "read_etags", "read_if_range", "read_range"]

if TYPE_CHECKING or not hasattr(ETags, "from_header"):
    from werkzeug.http import HTTP_STATUS_CODES as STATUS_PHRASES
    from werkzeug.http import parse_accept_header as read_accept
    from werkzeug.http import parse_etags as read_etags
    from werkzeug.http import parse_if_range_header as read_if_range
    from werkzeug.http import parse_range_header as read_range
else:
    STATUS_PHRASES = {status.value: status.phrase for status in HTTPStatus}
    read_etags, read_if_range, read_range = ETags.from_header, IfRange.from_header, Range.from_header

    def read_accept(value: str | None, cls: Any) -> Any:
        """Read a header such as ``Accept`` into a class for it."""
        return cls.from_header(value)
