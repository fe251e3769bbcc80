"""kill -9 at the named points on a real homeserver: one final answer each, never two."""

import os
from pathlib import Path

import pytest
from faults.lane import database
from faults.matrix_lane import MatrixLane, killed_at
from faults.sweep import with_name
from faults.switchboard import POINTS
from real_synapse import Synapse
from scale import FULL, scaled

from navi_bot.fault_points import Point

STEERED: Point = "steering_taken"
"""The sweep on Telegram has it: a message must come within a batch of tools, which is luck here."""
FEW: tuple[Point, ...] = ("page_answered",)
"""Between a send and the note of it, where a transaction that is not stored shows itself."""


async def test_every_question_has_one_final_answer(
    server_dsn: str, synapse: Synapse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plain and encrypted rooms; nothing is lost, told instead, labelled as a repeat or doubled."""
    points = scaled(FEW, tuple(point for point in POINTS if point != STEERED))
    name = f"faults_matrix_{os.getpid()}"
    async with (
        database(server_dsn, name),
        MatrixLane(synapse, with_name(server_dsn, name), tmp_path) as lane,
    ):
        await lane.opens(*scaled((True,), (True, False, True)))
        report = await killed_at(lane, points, scaled(len(FEW), 50))
    if FULL:
        with capsys.disabled():
            print(f"\n{report}")
    assert report.faults == [], report
    assert report.missed == []
