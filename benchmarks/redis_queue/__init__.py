"""How fast the queue on a Redis server is, beside the queues that people use."""
