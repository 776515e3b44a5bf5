"""Measures the migrations on a large table."""
