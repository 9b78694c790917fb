"""Triangle meshes: cut where depth jumps, and as light as the picture allows."""

from __future__ import annotations

from depth3d.mesh.building import DEFAULT_MAX_COLOUR_ERROR as DEFAULT_MAX_COLOUR_ERROR
from depth3d.mesh.building import DEFAULT_MAX_ERROR_PX as DEFAULT_MAX_ERROR_PX
from depth3d.mesh.building import to_mesh as to_mesh
from depth3d.mesh.cutting import DEFAULT_CUT_ANGLE_DEG as DEFAULT_CUT_ANGLE_DEG
from depth3d.mesh.cutting import DEFAULT_CUT_RATIO as DEFAULT_CUT_RATIO
from depth3d.mesh.cutting import grid_faces as grid_faces
from depth3d.mesh.triangles import Mesh as Mesh
from depth3d.mesh.triangles import Meshing as Meshing
