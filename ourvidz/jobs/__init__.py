"""What a job is: the wire envelope, its states and results, and the protocols around it."""
