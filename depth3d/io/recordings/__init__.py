"""Recordings: files that replay a scene in tools for robots and for data with time."""
