"""One HTML file that shows a model, lets it be turned and measured, and needs neither network nor server."""

from depth3d.io.html.facts import to_facts
from depth3d.io.html.page import to_iframe, write_page

__all__ = ["to_facts", "to_iframe", "write_page"]
