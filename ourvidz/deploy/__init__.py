"""What is live: generated files on disk and the services they are for, compared with the catalog."""
