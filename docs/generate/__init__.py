"""Generates the parts of the reference that say what the code says: ``python -m docs.generate``."""
