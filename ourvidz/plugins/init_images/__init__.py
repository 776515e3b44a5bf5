"""Init images: what users upload becomes an upright RGB picture of the job's size, or is refused."""
