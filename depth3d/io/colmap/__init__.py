"""COLMAP's sparse models: cameras, images and points, in text or binary."""
