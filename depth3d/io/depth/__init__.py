"""Depth maps in files: PNG, TIFF, EXR, PFM, NumPy, and photos that carry one."""
