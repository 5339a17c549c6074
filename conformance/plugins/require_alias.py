"""pytest plugin: stop at once if ``import flask`` is not answered by costrel.

Nothing is imported from ``costrel.as_flask`` here: that the environment's .pth
has activated it is what is being checked.
"""

import importlib.util
import os
import sys

import flask

if "costrel" not in sys.modules or flask is not sys.modules["costrel"]:
    sys.exit(f"'import flask' gave {flask!r}, not costrel")
if importlib.util.find_spec("flask.app").name != "costrel.app":
    sys.exit("'flask.app' is another module than 'costrel.app'")
if os.environ.get("COSTREL_FAST_LANE") == "off":
    from costrel.core.app_methods import use_fast_lane

    use_fast_lane(False)
