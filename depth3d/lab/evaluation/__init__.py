"""Evaluation: how close a depth map is to the truth, and how well its edges are placed."""
