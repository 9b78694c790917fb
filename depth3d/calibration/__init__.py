"""Where a photo's camera comes from: one file per source, and the ladder that chooses among them."""

from depth3d.calibration.choose import choose_intrinsics

__all__ = ["choose_intrinsics"]
