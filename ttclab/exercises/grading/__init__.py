"""Grading: submissions run apart, within bounds, and their points are written down."""
