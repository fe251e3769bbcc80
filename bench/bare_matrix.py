"""The bare loop on Matrix: the library's own client that syncs and sends edits, nothing else.

    python -m bench.bare_matrix URL USER DEVICE TOKEN ROOM

It reads a line of JSON for each edit, a message's content ready made, sends it
into the encrypted room, and writes how many seconds of the processor it took.
"""

import asyncio
import json
import sys
import time

import nio
from nio.store import SqliteMemoryStore

SETTLED = 0.1
"""Seconds in which the sync brings the edit back."""


async def main(url: str, user: str, device: str, token: str, room: str) -> None:
    """Send what comes in until there is no more."""
    client = nio.AsyncClient(
        url, user, device, config=nio.AsyncClientConfig(store=SqliteMemoryStore)
    )
    client.restore_login(user, device, token)
    client.load_store()
    await client.sync(0, full_state=True)
    if client.should_upload_keys:
        await client.keys_upload()
    await client.joined_members(room)
    async with asyncio.TaskGroup() as tasks:
        syncing = tasks.create_task(client.sync_forever(25_000))
        print("ready", flush=True)
        await _send_all(client, room)
        syncing.cancel()
    await client.close()


async def _send_all(client: nio.AsyncClient, room: str) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        content = json.loads(line)
        began = time.process_time()
        answer = await client.room_send(
            room, "m.room.message", content, ignore_unverified_devices=True
        )
        await asyncio.sleep(SETTLED)
        print(json.dumps([answer.event_id, time.process_time() - began]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
