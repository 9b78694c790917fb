"""Sparse points in files: tables, PLY, LAS, sensor grids, and hints."""
