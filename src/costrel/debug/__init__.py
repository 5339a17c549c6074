"""What development sees of an error: in the terminal, and at clients without a browser.

Werkzeug's interactive debugger stays the page of a browser. Nothing in here is
used unless the application runs in debug mode, and it knows no application.
"""

from __future__ import annotations
