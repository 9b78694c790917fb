"""Rendering: pictures made of a photo with depth: heat maps, parallax, stereo pairs, depth of field."""
