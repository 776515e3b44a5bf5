"""Measures job types by a worker's own code; :mod:`.measuring` has it in order."""
