"""Core: the values every step works on, and the conventions they carry: cameras, depth, point maps, colour, errors."""
