"""Photo to measurable 3D."""
