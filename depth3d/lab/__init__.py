"""The lab: how networks are made and judged. Nothing outside needs it to run."""
