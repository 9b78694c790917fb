"""Files that hold a camera or camera paths."""
