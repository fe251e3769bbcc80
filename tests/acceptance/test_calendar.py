"""The owner's calendar through the whole daemon, from a real CalDAV server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from calendars.radicale_server import PASSWORD, USER, event, radicale
from daemon.stage import Stage
from strict_ollama import Called, Calls, in_turn, say


async def test_the_agenda_is_shown_and_the_model_may_look(stage: Stage, tmp_path: Path) -> None:
    look = Called("calendar_search", {"words": "dentist"})
    stage.plays(in_turn([Calls((look,))], say("You see the dentist.")))
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y%m%d}"
    (tmp_path / "radicale").mkdir()
    async with radicale(tmp_path / "radicale") as server:
        visit = (f"DTSTART:{tomorrow}T090000Z", f"DTEND:{tomorrow}T100000Z", "SUMMARY:dentist")
        await server.keeps("home", event("d", *visit))
        account = {"CALDAV_URL": server.url, "CALDAV_USER": USER, "CALDAV_PASSWORD": PASSWORD}
        async with stage.start(NAVI_TIMEZONE="UTC", **account) as daemon:
            await daemon.ready()
            stage.ask("/agenda")
            await stage.shows("(UTC):", "09:00-10:00  dentist")
            stage.ask("when do I see the dentist?")
            await stage.shows("You see the dentist.", "⏱")
    told = [m for m in stage.ollama.chats[-1].body["messages"] if m["role"] == "tool"][-1]
    assert "09:00-10:00  dentist" in told["content"]


async def test_a_wrong_password_is_told_in_a_sentence(stage: Stage, tmp_path: Path) -> None:
    stage.plays(say("hello"))
    (tmp_path / "radicale").mkdir()
    async with radicale(tmp_path / "radicale") as server:
        account = {"CALDAV_URL": server.url, "CALDAV_USER": USER, "CALDAV_PASSWORD": "wrong-one-9"}
        async with stage.start(**account) as daemon:
            await daemon.ready()
            stage.ask("/agenda")
            await stage.shows("refused our credentials; correct CALDAV_USER and CALDAV_PASSWORD.")
    assert not any("wrong-one-9" in text for text in stage.texts())
