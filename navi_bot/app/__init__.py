"""Puts the daemon together and runs it: the one place that knows every part."""

from navi_bot.app.accounts import matrix_login
from navi_bot.app.chat import chat
from navi_bot.app.examination import probes
from navi_bot.app.run import run
from navi_bot.app.stores import opened_store

__all__ = ["chat", "matrix_login", "opened_store", "probes", "run"]
