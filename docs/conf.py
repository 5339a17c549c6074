"""Settings of the documentation's build. Nothing in its output is fetched from another host."""

from __future__ import annotations

import importlib.metadata

project = "costrel"
author = "The costrel authors"
copyright = "2026, the costrel authors"
release = importlib.metadata.version("costrel")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "examples", "images/README.md"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"members": True, "inherited-members": False, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "costrel"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
