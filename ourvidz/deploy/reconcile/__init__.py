"""Compares the platform's job table with the queue and with storage, and mends what differs."""
