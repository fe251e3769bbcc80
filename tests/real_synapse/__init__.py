"""A real homeserver for tests: Synapse from its wheel, on loopback, with SQLite.

    with Synapse(folder) as synapse:
        ann = synapse.register("ann")
        synapse.kill()
        synapse.start()      # on the same data

It is one process, ended by its pid. Calls here block: they are the stage, not
the play, and serve one run of the suite over many event loops.
"""

from real_synapse.server import Login, Synapse

__all__ = ["Login", "Synapse"]
