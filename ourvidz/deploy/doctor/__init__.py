"""Looks at everything that jobs need, from Python to the deployed functions, and takes no job.

What every command makes is made here too: the file of an embedded queue, and notes of digests beside a
checkpoint.
"""
