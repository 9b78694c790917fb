"""Triangle meshes: cut where depth jumps, and as light as the picture allows."""

from __future__ import annotations

from depth3d.geometry.mesh.build import mesh_of_points as mesh_of_points
from depth3d.geometry.mesh.build import to_mesh as to_mesh
from depth3d.geometry.mesh.discontinuities import grid_faces as grid_faces
from depth3d.geometry.mesh.mesh import Mesh as Mesh
from depth3d.geometry.mesh.mesh import Meshing as Meshing
from depth3d.geometry.mesh.mesh import TurnLimits as TurnLimits
from depth3d.geometry.mesh.normals import vertex_normals as vertex_normals
from depth3d.geometry.mesh.settings import DEFAULT_CUT_ANGLE_DEG as DEFAULT_CUT_ANGLE_DEG
from depth3d.geometry.mesh.settings import DEFAULT_CUT_RATIO as DEFAULT_CUT_RATIO
from depth3d.geometry.mesh.settings import DEFAULT_MAX_COLOUR_ERROR as DEFAULT_MAX_COLOUR_ERROR
from depth3d.geometry.mesh.settings import DEFAULT_MAX_ERROR_PX as DEFAULT_MAX_ERROR_PX
from depth3d.geometry.mesh.settings import MeshChoices as MeshChoices
from depth3d.geometry.mesh.settings import MeshSettings as MeshSettings
from depth3d.geometry.mesh.settings import check_cuts as check_cuts
