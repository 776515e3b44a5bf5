"""Upstash's REST protocol in front of a Redis server, so that edge functions can be tried on a laptop.

The protocol as https://upstash.com/docs/redis/features/restapi describes it, less what streams:
monitor, subscribe, and replies in the RESP2 format.
"""
