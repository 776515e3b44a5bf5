"""Everything between a claim and a stored result; :mod:`.maker` has it in order."""
