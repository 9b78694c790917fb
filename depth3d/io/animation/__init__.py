"""Moving pictures: GIF, APNG, WebP, AVIF, video, numbered frames."""
