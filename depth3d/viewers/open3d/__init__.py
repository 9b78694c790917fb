"""Looking at clouds and meshes in an Open3D window, and reading them from files for that."""

from depth3d.viewers.open3d.load_geometry import GEOMETRY_SUFFIXES, load_geometry
from depth3d.viewers.open3d.window import KEYS, check_window, show

__all__ = ["GEOMETRY_SUFFIXES", "KEYS", "check_window", "load_geometry", "show"]
