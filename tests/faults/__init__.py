"""Breaks everything that a job depends on, and counts from outside what became of it: ``make faults``."""
