"""A crowd that stops its answers, and how long that takes: for tests and measurements.

    async with crowd(folder, dsn, people=48) as scene:
        runs = await prefill(scene, scene.people[:24])

`python -m stopping run` is the daemon with two tools more (`stopping.tools`):
one that takes no notice of being cancelled, one that grows a tree of processes.
"""
