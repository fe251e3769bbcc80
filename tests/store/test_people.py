"""Roles and the codes that let people in: guessed by nobody, used once, gone in time."""

import asyncio
import base64

import asyncpg
import pytest

from navi_bot.messages import Role
from navi_bot.ports.records import Pairing
from navi_bot.store.people import ALPHABET, PostgresPeople

EVE = ("telegram", "66")


@pytest.fixture
def people(database: asyncpg.Pool) -> PostgresPeople:
    return PostgresPeople(database)


async def roles(people: PostgresPeople) -> dict[str, Role]:
    return {each.platform_id: each.role for each in await people.identities()}


async def owners_link(people: PostgresPeople, platform: str = "telegram") -> str:
    made = await people.offer(Role.OWNER, platform, "", "")
    assert made is not None
    return made.code


async def offered(people: PostgresPeople, who: str = "66") -> Pairing:
    made = await people.offer(Role.MEMBER, "telegram", who, "Eve")
    assert made is not None
    return made


async def age(pool: asyncpg.Pool, interval: str) -> None:
    """Let time pass for all codes and wrong tries."""
    await pool.execute(
        "UPDATE pairings SET created_at = created_at - $1::text::interval, "
        "expires_at = expires_at - $1::text::interval",
        interval,
    )
    await pool.execute(
        "UPDATE pairing_failures SET failed_at = failed_at - $1::text::interval", interval
    )


async def test_an_owners_link_has_128_bits_and_fits_a_start_parameter(
    people: PostgresPeople,
) -> None:
    """Telegram's deep links take 64 of A-Z a-z 0-9 _ -."""
    codes = {await owners_link(people) for _ in range(50)}
    assert len(codes) == 50
    assert all(len(base64.urlsafe_b64decode(code + "==")) == 16 for code in codes)


async def test_a_members_code_has_40_bits_of_clear_letters(people: PostgresPeople) -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("IO01")
    code = (await offered(people)).code
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)


async def test_a_link_makes_one_owner(people: PostgresPeople) -> None:
    """Of twenty who open it at once, one."""
    code = await owners_link(people)
    made = await asyncio.gather(
        *(people.redeem(code, "telegram", str(number), "X") for number in range(20))
    )
    assert [role for role in made if role] == [Role.OWNER]
    assert list((await roles(people)).values()) == [Role.OWNER]
    assert await people.owner_exists()
    assert await people.redeem(code, "telegram", "21", "X") is None


REFUSED = {
    "another code": ("x" * 22, "telegram"),
    "no code": ("", "telegram"),
    "another platform": (None, "matrix"),
    "NUL and a surrogate": ("\0\ud800", "telegram"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_wrong_code_does_nothing(people: PostgresPeople, case: str) -> None:
    """It makes nobody, and it does not use up the right one."""
    right = await owners_link(people)
    code, platform = REFUSED[case]
    assert await people.redeem(right if code is None else code, platform, "66", "Eve") is None
    assert await roles(people) == {}
    assert await people.redeem(right, "telegram", "5", "Ann") is Role.OWNER


async def test_an_expired_link_does_nothing(people: PostgresPeople, database: asyncpg.Pool) -> None:
    code = await owners_link(people)
    await age(database, "59 minutes")
    assert [each.code for each in await people.pending()] == [code]
    await age(database, "2 minutes")
    assert await people.pending() == ()
    assert await people.redeem(code, *EVE, "Eve") is None


async def test_a_members_code_is_no_link_and_a_link_no_members_code(
    people: PostgresPeople,
) -> None:
    """A stranger who was shown a code cannot redeem it; only the operator can."""
    code, link = (await offered(people)).code, await owners_link(people)
    assert await people.redeem(code, *EVE, "Eve") is None
    assert await people.approve(link) is None
    assert await roles(people) == {}


async def test_five_wrong_codes_lock_out_for_an_hour(
    people: PostgresPeople, database: asyncpg.Pool
) -> None:
    """Even from the right one; others are not concerned."""
    code = await owners_link(people)
    for number in range(5):
        assert await people.redeem(f"wrong {number}", *EVE, "Eve") is None
    assert await people.redeem(code, *EVE, "Eve") is None
    await database.execute("UPDATE pairing_failures SET failed_at = now() - interval '1 hour'")
    assert await people.redeem(code, *EVE, "Eve") is Role.OWNER
    assert await people.redeem(await owners_link(people), "telegram", "5", "Ann") is Role.OWNER


async def test_wrong_tries_at_once_count_each(
    people: PostgresPeople, database: asyncpg.Pool
) -> None:
    await asyncio.gather(*(people.redeem(f"wrong {n}", *EVE, "Eve") for n in range(30)))
    assert await database.fetchval("SELECT count(*) FROM pairing_failures") == 5


async def test_what_is_over_is_forgotten(people: PostgresPeople, database: asyncpg.Pool) -> None:
    """A flood of strangers leaves no more rows than an hour's."""
    await offered(people)
    await people.redeem("wrong", *EVE, "Eve")
    await age(database, "2 days")
    await offered(people, "67")
    await people.redeem("wrong", "telegram", "67", "Eve")
    for table in ("pairings", "pairing_failures"):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 1, table


async def test_a_stranger_gets_one_code_in_ten_minutes(
    people: PostgresPeople, database: asyncpg.Pool
) -> None:
    tries = await asyncio.gather(
        *(people.offer(Role.MEMBER, "telegram", "66", "Eve") for _ in range(20))
    )
    assert len([each for each in tries if each]) == 1
    await age(database, "9 minutes")
    assert await people.offer(Role.MEMBER, "telegram", "66", "Eve") is None
    await age(database, "2 minutes")
    assert await people.offer(Role.MEMBER, "telegram", "66", "Eve") is not None


async def test_three_codes_wait_on_a_platform(people: PostgresPeople) -> None:
    """Links and other platforms are counted apart."""
    await owners_link(people)
    tries = await asyncio.gather(
        *(people.offer(Role.MEMBER, "telegram", str(number), "X") for number in range(20))
    )
    assert len([each for each in tries if each]) == 3
    assert await people.offer(Role.MEMBER, "matrix", "@eve:example.org", "Eve") is not None
    assert await owners_link(people)


async def test_approval_lets_in_once(people: PostgresPeople) -> None:
    """As the operator types it: in small letters, with blanks around."""
    made = await offered(people)
    results = await asyncio.gather(*(people.approve(f" {made.code.lower()}\n") for _ in range(10)))
    (identity,) = [each for each in results if each]
    assert (identity.platform_id, identity.name, identity.role) == ("66", "Eve", Role.MEMBER)
    assert await roles(people) == {"66": Role.MEMBER}


async def test_an_expired_code_cannot_be_approved(
    people: PostgresPeople, database: asyncpg.Pool
) -> None:
    made = await offered(people)
    await age(database, "61 minutes")
    assert await people.approve(made.code) is None
    assert await roles(people) == {}


RAISED = {
    (Role.GUEST, Role.MEMBER): Role.MEMBER,
    (Role.GUEST, Role.OWNER): Role.OWNER,
    (Role.MEMBER, Role.OWNER): Role.OWNER,
    (Role.MEMBER, Role.GUEST): Role.MEMBER,
    (Role.OWNER, Role.MEMBER): Role.OWNER,
    (Role.OWNER, Role.GUEST): Role.OWNER,
    (Role.BLOCKED, Role.OWNER): Role.BLOCKED,
    (Role.BLOCKED, Role.MEMBER): Role.BLOCKED,
}


async def test_a_role_is_only_raised_by_being_known_again(people: PostgresPeople) -> None:
    """And who is blocked stays so until the operator says otherwise."""
    for (before, given), after in RAISED.items():
        who = f"{before}-{given}"
        first = await people.ensure("telegram", who, "X", Role.GUEST)
        await people.set_role("telegram", who, before)
        assert await people.ensure("telegram", who, "X", given) == first
        assert (await roles(people))[who] is after, who


async def test_a_blocked_person_stays_out_with_any_code(people: PostgresPeople) -> None:
    """And a link that they found is still good for its owner."""
    await people.ensure(*EVE, "Eve", Role.MEMBER)
    code = (await offered(people)).code
    assert await people.revoke(*EVE)
    link = await owners_link(people)
    assert await people.approve(code) is None
    assert await people.redeem(link, *EVE, "Eve") is None
    assert await roles(people) == {"66": Role.BLOCKED}
    assert await people.redeem(link, "telegram", "5", "Ann") is Role.OWNER


async def test_who_was_never_in_cannot_be_put_out(people: PostgresPeople) -> None:
    assert not await people.revoke(*EVE)
    assert not await people.set_role(*EVE, Role.MEMBER)


async def test_one_identity_is_one_person(people: PostgresPeople, database: asyncpg.Pool) -> None:
    """Ten first messages at once; the same number elsewhere is somebody else."""
    await asyncio.gather(*(database.execute("SELECT pg_sleep(0.05)") for _ in range(10)))
    for number in range(10):
        who = str(number)
        tries = (people.ensure("telegram", who, "Ann", Role.MEMBER) for _ in range(10))
        made = await asyncio.gather(*tries)
        assert len(set(made)) == 1
        assert await people.ensure("matrix", who, "Ann", Role.MEMBER) not in made
    assert await database.fetchval("SELECT count(*) FROM people") == 20


async def test_a_name_is_kept_when_none_is_given(people: PostgresPeople) -> None:
    """The settings name owners by their ids alone, at every start."""
    await people.ensure("telegram", "5", "Ann", Role.MEMBER)
    await people.ensure("telegram", "5", "", Role.OWNER)
    (ann,) = await people.identities()
    assert (ann.name, ann.role) == ("Ann", Role.OWNER)


async def test_a_forged_id_is_nobody_elses(people: PostgresPeople) -> None:
    """What PostgreSQL cannot hold is not dropped from an id: it would become another's."""
    owner = await people.ensure("matrix", "@me:example.org", "Me", Role.OWNER)
    for forged in ("@me\0:example.org", "@m\ud800e:example.org", "@me:example.org\0"):
        assert await people.ensure("matrix", forged, "Eve", Role.GUEST) != owner


async def test_the_console_is_no_owner_in_a_chat(people: PostgresPeople) -> None:
    await people.ensure("console", "operator", "", Role.OWNER)
    assert not await people.owner_exists()
