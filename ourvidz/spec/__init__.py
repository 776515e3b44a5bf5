"""What a job type is: units, strict YAML with positions, frozen models, the checked catalog."""
