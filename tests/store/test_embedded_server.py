"""The embedded server as a process: started as anybody, gone with its daemon, refused clearly."""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import asyncpg
import pytest
from store.held import NOBODY, Holder, Process, held, python_for_nobody

from navi_bot.errors import ConfigurationError, NaviError, OperatorError
from navi_bot.store.cluster import Cluster, attach
from navi_bot.store.embedded import EmbeddedServer

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NO_RIGHTS = ("unshare", "--user", "--map-user=1000", "--map-group=1000")

COMPUTES = "SELECT count(*) FROM generate_series(1, 10000000000)"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="navi-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory with a cluster, for tests that need no fresh one."""
    with tempfile.TemporaryDirectory(prefix="navi-", dir="/tmp") as folder:
        yield Path(folder) / "data"


@pytest.fixture
def closed(place: Path) -> Path:
    """A home that nobody else may enter, and a data directory that is not there yet."""
    home = place / "home"
    home.mkdir(mode=0o700)
    return home / "data"


@pytest.fixture
def no_namespaces(place: Path) -> str:
    """A PATH where user namespaces are refused, as the kernel's program says."""
    programs = place / "bin"
    programs.mkdir(mode=0o755)
    refusing = programs / "unshare"
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    return f"{programs}:{os.environ['PATH']}"


async def works(holder: Holder) -> None:
    """The server speaks UTF-8 and takes no one without the password."""
    assert await holder.ask("SHOW server_encoding") == "UTF8"
    assert await holder.ask("SELECT length('🙂')") == 1
    password = holder.dsn.partition("navi:")[2].partition("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(holder.dsn.replace(password, "wrong"))


async def leave_word(holder: Holder) -> str:
    """Commit a row; return what is in it."""
    word = secrets.token_hex(4)
    await holder.ask("CREATE TABLE IF NOT EXISTS words (id serial, word text)")
    await holder.ask(f"INSERT INTO words (word) VALUES ('{word}')")
    return word


def is_private(path: Path) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


async def test_it_runs_under_a_closed_home_without_a_locale(closed: Path) -> None:
    """As whoever we are, root included; its files are for nobody else."""
    with held(closed) as holder:
        await works(holder)
        assert holder.server.user == os.geteuid(), "a namespace, no other account"
        for path in (closed, Cluster(closed).folder, Cluster(closed).password_file):
            assert is_private(path), path


@ROOT_ONLY
async def test_it_runs_for_a_user_without_rights(closed: Path) -> None:
    with held(closed, before=NO_RIGHTS) as holder:
        await works(holder)


@ROOT_ONLY
async def test_it_runs_for_another_account(place: Path) -> None:
    python = python_for_nobody()
    if not python:
        pytest.skip("no other account can run this project here")
    home = place / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    with held(home / "data", python=python, user=NOBODY) as holder:
        await works(holder)
        assert holder.server.user == NOBODY


@ROOT_ONLY
async def test_root_without_namespaces_gives_the_server_to_nobody(
    place: Path, no_namespaces: str
) -> None:
    """And takes it back where namespaces work again, and gives it once more."""
    data = place / "data"
    for path in (no_namespaces, "", no_namespaces):
        with held(data, path=path) as holder:
            await works(holder)
            expected = NOBODY if path else 0
            assert holder.server.user == expected
            assert is_private(Cluster(data).password_file)
            assert Cluster(data).password_file.stat().st_uid == 0
            holder.process.kill()
            holder.until_nothing_is_left()


@ROOT_ONLY
def test_root_without_namespaces_under_a_closed_home_is_refused(
    closed: Path, no_namespaces: str
) -> None:
    with held(closed, path=no_namespaces) as holder:
        assert holder.said["kind"] == "ConfigurationError"
        assert "NAVI_DATABASE_URL" in holder.said["refused"]


async def test_a_path_too_long_for_a_socket_is_served_on_loopback(closed: Path) -> None:
    data = closed / ("d" * 120)
    with held(data) as holder:
        await works(holder)
        assert "127.0.0.1" in holder.dsn
        assert await holder.ask("SHOW listen_addresses") == "127.0.0.1"


async def test_a_short_path_opens_no_port(made: Path) -> None:
    with held(made) as holder:
        assert await holder.ask("SHOW listen_addresses") == ""
        assert await holder.ask("SELECT inet_server_port()") is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
async def test_no_server_outlives_its_daemon(made: Path, number: signal.Signals) -> None:
    """Its sessions are ended, what was committed stays, and the next start is a usual one."""
    with held(made) as holder:
        word = await leave_word(holder)
        busy = await asyncpg.connect(holder.dsn)
        holder.process.send_signal(number)
        assert holder.until_nothing_is_left() < 10
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await busy.fetchval("SELECT 1")
    with held(made) as holder:
        assert await holder.ask("SELECT word FROM words ORDER BY id DESC LIMIT 1") == word


async def test_a_server_that_was_killed_too_recovers(made: Path) -> None:
    """kill -9 of the daemon and of every process of the server."""
    with held(made) as holder:
        word = await leave_word(holder)
        everything = holder.left()
        for each in everything:
            each.suspend()
        holder.process.kill()
        for each in everything:
            each.kill()
    assert (Cluster(made).folder / "postmaster.pid").exists(), "it had no time to clean up"
    with held(made) as holder:
        assert await holder.ask("SELECT word FROM words ORDER BY id DESC LIMIT 1") == word


async def test_workers_of_a_killed_server_are_ended_first(made: Path) -> None:
    """A worker that still computes would write into a cluster that another serves."""
    with held(made) as holder:
        client = await asyncpg.connect(holder.dsn)
        worker = Process(await client.fetchval("SELECT pg_backend_pid()"))
        computing = asyncio.ensure_future(client.fetchval(COMPUTES))
        await asyncio.sleep(0.05)
        holder.server.kill()
        holder.process.kill()
        assert worker.alive
        with held(made) as next_one:
            assert await next_one.ask("SELECT 1") == 1
            assert not worker.alive
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await computing


async def test_a_start_waits_for_the_server_of_a_dead_daemon(made: Path) -> None:
    """Two servers on one cluster would ruin it."""
    with held(made) as holder:
        slow = holder.server
        slow.suspend()
        holder.process.kill()
        resuming = threading.Timer(0.5, slow.resume)
        resuming.start()
        with held(made) as next_one:
            assert not resuming.is_alive()
            assert next_one.server.pid != slow.pid
            assert await next_one.ask("SELECT 1") == 1
            assert not slow.alive


async def test_an_old_process_id_of_another_program_is_no_server(made: Path) -> None:
    with held(made) as holder:
        holder.process.terminate()
        holder.until_nothing_is_left()
    note = Cluster(made).folder / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{Cluster(made).folder}\n0\n5432\n")
    with held(made) as holder:
        assert await holder.ask("SELECT 1") == 1


async def test_a_second_daemon_is_refused_and_a_guest_is_let_in(made: Path) -> None:
    assert await attach(made) is None
    with held(made) as holder:
        with pytest.raises(OperatorError, match=r"^Another navi-bot uses the data directory"):
            async with EmbeddedServer(made):
                raise AssertionError("it was let in")
        assert await attach(made) == holder.dsn
        holder.process.terminate()
        holder.until_nothing_is_left()
        holder.process.wait()
    assert await attach(made) is None


@pytest.fixture
def looking(made: Path) -> Iterator[IO[bytes]]:
    """The lock as one that only looks holds it."""
    made.mkdir(exist_ok=True)
    with Cluster(made).lock_file.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


async def test_looking_for_a_daemon_does_not_keep_one_from_starting(
    made: Path, looking: IO[bytes]
) -> None:
    """`navi-bot chat` tries the lock for a moment; a daemon that starts just then waits."""
    asyncio.get_running_loop().call_later(0.15, looking.close)
    async with EmbeddedServer(made) as server:
        assert server.dsn


async def refusal(data: Path) -> str:
    """Return the sentence with which a start is refused, as a configuration error."""
    with pytest.raises(NaviError) as caught:
        async with EmbeddedServer(data):
            raise AssertionError("it was started")
    assert isinstance(caught.value, ConfigurationError)
    return str(caught.value)


async def test_a_data_directory_that_is_a_file_is_refused(place: Path) -> None:
    (place / "data").write_text("mine")
    assert "NAVI_DATA_DIR" in await refusal(place / "data")
    assert "NAVI_DATA_DIR" in await refusal(place / "data" / "below")
    assert (place / "data").read_text() == "mine"


@ROOT_ONLY
def test_a_data_directory_of_somebody_else_is_refused(place: Path) -> None:
    """Also for root, who could take it: its owner's daemon would not start again."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    os.chown(closed, 1234, 1234)
    with held(closed, before=NO_RIGHTS) as holder:
        assert "cannot be written" in holder.said["refused"]
        assert "NAVI_DATA_DIR" in holder.said["refused"]
    data = place / "data"
    with held(data) as holder:
        holder.process.terminate()
        holder.until_nothing_is_left()
    os.chown(Cluster(data).folder, 1234, 1234)
    with held(data) as holder:
        assert "belongs to the user with the id 1234" in holder.said["refused"]
    assert Cluster(data).folder.stat().st_uid == 1234


async def test_a_cluster_of_another_version_is_refused_untouched(place: Path) -> None:
    data = place / "data"
    folder = Cluster(data).folder
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("15\n")
    said = await refusal(data)
    assert "was made by PostgreSQL 15" in said
    assert "pg_dumpall" in said
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


async def test_a_folder_in_the_clusters_place_is_refused_untouched(place: Path) -> None:
    data = place / "data"
    theirs = Cluster(data).folder / "theirs"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    assert str(Cluster(data).folder) in await refusal(data)
    assert theirs.read_text() == "mine"
    assert not list(data.glob("postgres.new-*"))


async def test_a_lost_password_is_said_so(place: Path) -> None:
    data = place / "data"
    async with EmbeddedServer(data):
        pass
    Cluster(data).password_file.unlink()
    assert "Put the file back" in await refusal(data)


async def test_half_a_cluster_is_made_anew(place: Path) -> None:
    """What an initdb left that was cut off counts for nothing."""
    data = place / "data"
    half = data / "postgres.new-abc" / "cluster"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with EmbeddedServer(data) as server:
        assert server.dsn
    assert not list(data.glob("postgres.new-*"))


async def test_a_server_that_cannot_start_says_why(place: Path) -> None:
    data = place / "data"
    async with EmbeddedServer(data):
        pass
    (Cluster(data).folder / "global" / "pg_control").unlink()
    with pytest.raises(OperatorError, match=r"did not start: .*could not open file"):
        async with EmbeddedServer(data):
            raise AssertionError("it was started")
