"""Telegram: bot accounts through the Bot API."""
