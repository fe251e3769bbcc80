"""The live message: events of a turn become pages."""

from navi_bot.live.message import LiveMessage, LiveOptions

__all__ = ["LiveMessage", "LiveOptions"]
