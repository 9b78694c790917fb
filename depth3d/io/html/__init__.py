"""One HTML file that shows a model, lets it be turned and measured, and needs neither network nor server."""

from depth3d.io.html.page import to_iframe, write_page
from depth3d.io.html.page_data import to_facts

__all__ = ["to_facts", "to_iframe", "write_page"]
