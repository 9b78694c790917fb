"""Where the sample photos are made: scenes, textures and light, all computed."""
