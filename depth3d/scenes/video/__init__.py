"""Videos: every frame through the reconstruction core, on one scale."""
