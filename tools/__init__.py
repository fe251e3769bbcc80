"""Tools that ship with navi-bot: one module, one tool."""
