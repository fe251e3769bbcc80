"""navi-bot: a self-hosted AI agent that lives in chat rooms."""
