"""Sparse: files in which something measured depth, read as hints or as depth of the photo."""

from depth3d.sparse.embedded import EmbeddedDepth, embedded_at, embedded_points, embedded_relief
from depth3d.sparse.embedded_file import EmbeddedDepthWarning, read_embedded_depth
from depth3d.sparse.hints_file import read_hints
from depth3d.sparse.points_file import read_points

__all__ = [
    "EmbeddedDepth",
    "EmbeddedDepthWarning",
    "embedded_at",
    "embedded_points",
    "embedded_relief",
    "read_embedded_depth",
    "read_hints",
    "read_points",
]
