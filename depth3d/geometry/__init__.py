"""Geometry: point clouds, meshes, Gaussian splats and printable plates made of a depth map, and measuring them."""
