"""Callback backends, and the delivery of what waits in the outbox."""
