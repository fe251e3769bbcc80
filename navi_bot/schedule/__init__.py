"""When something is due: rules, time zones, people's words for times. Pure; no clock, no I/O."""
