"""The homeserver of the tests is what the tests take it for."""

import pytest
from real_synapse import Synapse
from real_synapse.fixtures import Accounts, People


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
async def test_two_people_read_each_other(person: People, encrypted: bool) -> None:
    """What one says the other sees, in the encryption that the room has."""
    ann, bob = person("ann"), person("bob")
    await bob.looks()
    room = await ann.opens_room(bob.id, encrypted=encrypted)
    await bob.joins(room)
    await ann.looks()
    await ann.says(room, "hello")
    assert (await bob.sees(room, "hello")).encrypted is encrypted


async def test_an_edit_replaces_what_is_shown(person: People) -> None:
    ann = person("ann")
    room = await ann.opens_room()
    message = await ann.says(room, "first")
    await ann.sees(room, "first")
    await ann.edits(room, message, "second")
    seen = await ann.sees(room, "second")
    assert (seen.id, seen.history) == (message, ("first",))


def test_messages_are_limited_until_an_operator_frees_the_account(
    synapse: Synapse, account: Accounts
) -> None:
    """Synapse's stock limit: ten at once, then one in five seconds."""
    bound = synapse.register("bound", freed=False)
    room = synapse.call("POST", "/_matrix/client/v3/createRoom", {}, bound.token)["room_id"]

    def send(number: int) -> int:
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{number}"
        return synapse.ask("PUT", path, {"msgtype": "m.text", "body": "x"}, bound.token)[0]

    statuses = [send(number) for number in range(12)]
    assert statuses[:8] == [200] * 8
    assert 429 in statuses[8:]
    synapse.free(bound.user_id)
    assert [send(number) for number in range(12, 24)] == [200] * 12
