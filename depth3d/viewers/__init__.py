"""Viewers: a window or a notebook cell that shows a value."""
