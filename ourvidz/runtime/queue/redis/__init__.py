"""The queue on a Redis server: ``redis://host:6379/0?namespace=ourvidz``.

Producers push JSON onto a plain list that is called like the queue. A payload leaves that list in
the same script that makes it a job, a dead letter, or drops it as a duplicate. What it is decides
Python, since Lua reads JSON in another way (it rounds numbers, takes the last of duplicate keys,
stops at other depths). So the script first shows what lies at the end of the list and takes nothing
out; Python reads it, and says with the next call what is to become of the bytes of each digest. That
script takes an item out only if its digest is the one that was read. Whoever is killed between the
two calls has changed nothing; two workers who read the same items file each of them once; a call
that is repeated finds other items, or equal ones for which the decision is right as well.

Every change of a job is one script, so it happens as a whole or not at all. Repeated after a lost
reply it changes nothing more, because of a claim's nonce and token. Time is the server's.

Redis Cluster is not supported: a script's keys and the producers' lists lie in different slots.
"""

from ourvidz.runtime.queue.redis.connection import CommandRefused, Connection
from ourvidz.runtime.queue.redis.queue import RedisQueue

__all__ = ["CommandRefused", "Connection", "RedisQueue"]
