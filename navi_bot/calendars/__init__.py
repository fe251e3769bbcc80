"""Calendars of the owner's: read over CalDAV, recurring events expanded."""
