"""Files of point clouds, meshes and splats."""
