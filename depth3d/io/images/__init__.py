"""Pictures in files: encoders and decoders."""
