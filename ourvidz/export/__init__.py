"""What is derived from the catalog: pure generators, catalog in, text out. Nothing here writes a file."""
