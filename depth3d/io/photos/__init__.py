"""Photos and videos in files, with what their metadata says about depth."""
