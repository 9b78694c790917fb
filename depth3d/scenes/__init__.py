"""Scenes: one reconstruction core, and the loops round it for photos, videos, panoramas and many views."""
