"""The Matrix adapter: rooms of a homeserver, encrypted ones too."""
