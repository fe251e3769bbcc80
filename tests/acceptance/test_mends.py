"""Whatever is wrong, the one who can mend it reads one sentence that says how."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from daemon import Daemon
from daemon.stage import Stage
from strict_ollama import Called, Calls, in_turn, say
from strict_telegram import File


@dataclass(frozen=True)
class Fault:
    """What is set wrongly, how the daemon ends, and what its last words name."""

    changes: dict[str, str]
    words: tuple[str, ...]
    code: int = 78
    drop: tuple[str, ...] = field(default=())


STARTS = {
    "no platform and no terminal": Fault(
        {}, ("TELEGRAM_BOT_TOKEN", "terminal"), drop=("TELEGRAM_BOT_TOKEN",)
    ),
    "a token that is none": Fault({"TELEGRAM_BOT_TOKEN": "hunter2"}, ("TELEGRAM_BOT_TOKEN",)),
    "a token that Telegram refuses": Fault(
        {"TELEGRAM_BOT_TOKEN": "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"},
        ("token", "@BotFather"),
    ),
    "a user name as owner": Fault({"NAVI_OWNERS": "telegram:@ann"}, ("NAVI_OWNERS", "numeric")),
    "a database URL that is none": Fault(
        {"NAVI_DATABASE_URL": "mysql://navi@localhost/navi"}, ("NAVI_DATABASE_URL", "postgresql://")
    ),
    "a data directory that cannot be": Fault(
        {"NAVI_DATA_DIR": "/dev/null/navi"}, ("/dev/null/navi", "NAVI_DATA_DIR"),
        drop=("NAVI_DATABASE_URL",),
    ),
    "a profiles folder that is not there": Fault(
        {"NAVI_PROFILES_DIR": "/nonexistent/profiles"}, ("NAVI_PROFILES_DIR",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", STARTS.values(), ids=STARTS.keys())
async def test_a_start_that_cannot_be_ends_in_one_sentence(stage: Stage, fault: Fault) -> None:
    """On stderr, without a traceback, with the exit code that systemd understands."""
    environment = {**stage.environment, **fault.changes}
    for name in fault.drop:
        del environment[name]
    async with Daemon(environment) as daemon:
        code = await daemon.ended(60)
    words = [line for line in daemon.raw if not line.startswith("{")]
    assert len(words) == 1, daemon.raw
    assert all(word in words[0] for word in fault.words), words
    assert code == fault.code
    assert "Traceback" not in "\n".join(daemon.raw)


async def test_a_database_that_does_not_exist_is_named(stage: Stage) -> None:
    right = urlsplit(stage.environment["NAVI_DATABASE_URL"])
    wrong = urlunsplit(right._replace(path="/nowhere"))
    async with stage.start(NAVI_DATABASE_URL=wrong) as daemon:
        assert await daemon.ended(60) == 78
    assert "NAVI_DATABASE_URL does not exist" in daemon.raw[-1]


async def test_a_data_directory_in_use_is_left_alone(stage: Stage) -> None:
    """The second daemon ends; the first answers on."""
    stage.plays(say("still here"))
    del stage.environment["NAVI_DATABASE_URL"]
    async with stage.start() as first:
        await first.ready()
        async with stage.start() as second:
            assert await second.ended(60) == 1
        assert "Another navi-bot uses" in second.raw[-1]
        assert "NAVI_DATA_DIR" in second.raw[-1]
        stage.ask("are you there?")
        await stage.shows("still here", "⏱")


async def test_a_broken_profile_is_skipped_and_named(stage: Stage, tmp_path: Path) -> None:
    """The others work; /tools shows what is wrong."""
    (tmp_path / "profiles" / "mine").mkdir(parents=True)
    (tmp_path / "profiles" / "mine" / "config.json").write_text('{"name": 1}')
    stage.plays(say("hello"))
    async with stage.start(NAVI_PROFILES_DIR=str(tmp_path / "profiles")) as daemon:
        await daemon.ready()
        stage.ask("/tools")
        await stage.shows("Profile 'mine' was skipped", "config.json")
        stage.ask("hi")
        await stage.shows("hello", "⏱")


async def test_a_model_that_is_missing_names_those_installed(stage: Stage) -> None:
    stage.plays(say("hello"), "small")
    stage.plays(say("hello"), "large")
    async with stage.start(NAVI_MODEL="gone") as daemon:
        await daemon.ready()
        stage.ask("hi")
        shown = await stage.shows("gone", "not installed")
    assert "small" in shown
    assert "large" in shown
    assert len(stage.texts()) == 1


async def test_a_model_without_tools_talks_and_check_says_so(stage: Stage) -> None:
    stage.plays(say("just talk"), capabilities=("completion",))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        await stage.shows("just talk", "⏱")
    assert "tools" not in stage.ollama.chats[-1].body
    async with Daemon(stage.environment, "check") as check:
        assert await check.ended(60) == 1
    assert "✗ model: tiny cannot use tools" in check.out
    assert "NAVI_MODEL" in check.out


async def test_a_window_smaller_than_the_setting_is_used_and_told(stage: Stage) -> None:
    stage.plays(say("hello"), context_length=8192)
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        await stage.shows("hello", "⏱")
    assert stage.ollama.chats[-1].body["options"]["num_ctx"] == 8192
    async with Daemon(stage.environment, "check") as check:
        assert await check.ended(60) == 0
    assert "8192" in check.out
    assert "OLLAMA_NUM_CTX" in check.out


async def test_check_is_all_well_when_all_is(stage: Stage) -> None:
    stage.plays(say("hello"))
    async with Daemon(stage.environment, "check") as check:
        assert await check.ended(60) == 0, check.out
    lines = check.out.splitlines()
    assert all(line.startswith("✓") for line in lines), lines
    assert {line.split(":")[0][2:] for line in lines} >= {"settings", "database", "telegram"}


async def test_an_unknown_command_and_a_large_file_get_one_sentence_each(stage: Stage) -> None:
    stage.plays(say("I saw it"))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("/dance")
        await stage.shows("command", "/help")
        film = File("film.mkv", mime="video/x-matroska", size=30_000_000)
        stage.telegram.say(stage.chat, stage.ann, "what is this?", document=film)
        await stage.shows("film.mkv", "10 MB")
        await stage.shows("I saw it", "⏱")
    assert stage.telegram.calls("getFile") == []


async def test_a_message_of_a_megabyte_is_refused_in_one_sentence(stage: Stage) -> None:
    """Over a pipe, where nothing else limits it; the next question is answered."""
    stage.plays(say("fine"))
    environment = dict(stage.environment)
    del environment["TELEGRAM_BOT_TOKEN"]
    questions = b"x" * 1_000_000 + b"\nshort\n"
    async with Daemon(environment, stdin=questions) as daemon:
        await daemon.ended(60)
    refusal, answer = daemon.out.strip().split("\n\n")
    assert "longer than 100,000 characters" in refusal
    assert answer == "fine"
    assert len(stage.ollama.chats) == 1


async def test_two_tools_problems_do_not_stop_a_turn(stage: Stage) -> None:
    """An unknown tool and wrong arguments are results for the model, not the person's trouble."""
    wrong = Calls((Called("fly", {}), Called("clock", {"action": "dance"})))
    stage.plays(in_turn([wrong], say("anyway")))
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        final = await stage.shows("anyway", "⏱")
    assert final.count("❌") == 2
    results = [m for m in stage.ollama.chats[-1].body["messages"] if m["role"] == "tool"]
    assert "not found" in results[0]["content"]


async def test_an_absent_ollama_is_said_in_a_chat(stage: Stage) -> None:
    """A configured platform never gets the demo; the person reads what is wrong."""
    await stage.ollama.stop()
    async with stage.start() as daemon:
        await daemon.ready()
        stage.ask("hi")
        await stage.shows("not answer", "try again")
        stage.ask("/stop")
        await daemon.event("turn_ended")
    with contextlib.suppress(asyncio.TimeoutError):
        await stage.ollama.start()
    assert not any("demo" in text for text in stage.texts())
