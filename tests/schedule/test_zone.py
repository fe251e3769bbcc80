"""Times on a clock's face in zones that do odd things."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot.errors import PersonError
from navi_bot.schedule.zone import landing, second_time, wall_of, zone_named

ODD = {
    "gap in Kyiv": ("Europe/Kyiv", "2026-03-29T03:30", "2026-03-29T01:00", "gap"),
    "overlap in Kyiv": ("Europe/Kyiv", "2026-10-25T03:30", "2026-10-25T00:30", "overlap"),
    "half an hour's gap": ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", "gap"),
    "half an hour more": ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "overlap"),
    "a day that was skipped": ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00", "gap"),
    "the edge of a gap": ("Europe/Kyiv", "2026-03-29T04:00", "2026-03-29T01:00", ""),
    "nothing odd": ("Asia/Kathmandu", "2026-11-21T09:00", "2026-11-21T03:15", ""),
    "midnight that is not": ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00", "gap"),
}  # fmt: skip


@pytest.mark.parametrize(("zone", "wall", "instant", "oddity"), ODD.values(), ids=ODD.keys())
def test_a_wall_time_lands(zone: str, wall: str, instant: str, oddity: str) -> None:
    """In a gap at the first valid time, in an overlap at the first of the two."""
    found = landing(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert found.instant == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert found.oddity == oddity


@given(
    wall=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),
    zone=st.sampled_from(["Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin", "Asia/Tehran"]),
)
def test_landings_keep_the_order_of_the_clock(wall: datetime, zone: str) -> None:
    """A later wall time never lands earlier, and what is no gap shows what was meant."""
    wall, place = wall.replace(microsecond=0), ZoneInfo(zone)
    found = landing(wall, place)
    assert found.wall == wall_of(found.instant, place)
    assert (found.wall == wall) == (found.oddity != "gap")
    assert found.wall >= wall
    assert landing(wall + timedelta(minutes=7), place).instant >= found.instant
    if found.oddity == "gap":
        before = wall_of(found.instant - timedelta(seconds=1), place)
        assert before < wall, "the first valid time is right after the gap"
    again = second_time(wall, place)
    assert (again is not None) == (found.oddity == "overlap")
    assert again is None or (again > found.instant and wall_of(again, place) == wall)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("europe/kyiv", "Europe/Kyiv"),
        ("Kyiv", "Europe/Kyiv"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_zones_are_found_as_people_write_them(written: str, meant: str) -> None:
    assert zone_named(written).key == meant


def test_an_unknown_zone_names_similar_ones() -> None:
    with pytest.raises(PersonError, match="Europe/Berlin"):
        zone_named("Europe/Berlim")
