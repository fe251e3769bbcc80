"""What the daemon learns from every turn that has ended."""

import structlog

from navi_bot.errors import NaviError
from navi_bot.events import Ending, StreamEnd, StreamFailed
from navi_bot.models.estimate import TokenEstimator
from navi_bot.ports.store import Calibration

log = structlog.get_logger()


class Aftermath:
    """`failed` counts turns without an answer; `prefix_share` is the last turn's, 0..1."""

    def __init__(self, estimator: TokenEstimator, calibration: Calibration) -> None:
        self._estimator = estimator
        self._calibration = calibration
        self.failed = 0
        self.prefix_share: float | None = None

    async def note(self, ending: Ending) -> None:
        """Take a turn's ending; store what was learnt about token counts."""
        match ending:
            case StreamFailed():
                self.failed += 1
            case StreamEnd(prefix_share=float(share)):
                self.prefix_share = share
        try:
            for model, per_token in self._estimator.take_changes().items():
                await self._calibration.save(model, per_token)
        except NaviError as error:
            log.warning("calibration_not_stored", error=str(error))
