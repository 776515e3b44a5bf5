"""The queue as it lies on a Redis server: names of keys, and the scripts that work on them. Version 1.

Workers run them from Python, edge functions from TypeScript; so both take them from here.
"""
