"""The homeserver's configuration for tests; pure.

Messages keep Synapse's stock limit (0.2/s, 10 at once); people of the tests
are freed of it one by one, as an operator frees the bot.
"""

import json
from pathlib import Path

SERVER_NAME = "navi.test"
SHARED_SECRET = "registration secret of the tests"

SIGNING_KEY = f"ed25519 a_test {'A' * 42}E\n"
"""Given, because making one costs a start of the whole program."""

_WIDE = {"per_second": 10_000, "burst_count": 10_000}


def homeserver_config(folder: Path, port: int) -> str:
    """Return homeserver.yaml; JSON is YAML."""
    return json.dumps(
        {
            "server_name": SERVER_NAME,
            "public_baseurl": f"http://127.0.0.1:{port}/",
            "pid_file": str(folder / "homeserver.pid"),
            "listeners": [
                {
                    "port": port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "log_config": str(folder / "log.yaml"),
            "media_store_path": str(folder / "media"),
            "signing_key_path": str(folder / "signing.key"),
            "registration_shared_secret": SHARED_SECRET,
            "macaroon_secret_key": "macaroon secret of the tests",
            "form_secret": "form secret of the tests",
            "enable_registration": False,
            "report_stats": False,
            "bcrypt_rounds": 4,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "suppress_key_server_warning": True,
            "max_upload_size": "20M",
            "url_preview_enabled": False,
            "presence": {"enabled": False},
            "rc_login": {"address": _WIDE, "account": _WIDE, "failed_attempts": _WIDE},
            "rc_registration": _WIDE,
            "rc_joins": {"local": _WIDE, "remote": _WIDE},
            "rc_joins_per_room": _WIDE,
            "rc_invites": {"per_room": _WIDE, "per_user": _WIDE, "per_issuer": _WIDE},
            "rc_room_creation": _WIDE,
            "rc_admin_redaction": _WIDE,
            "rc_key_requests": _WIDE,
            "caches": {"global_factor": 0.1},
        },
        indent=1,
    )


def log_config(folder: Path) -> str:
    """Return log.yaml: warnings into a file."""
    return json.dumps(
        {
            "version": 1,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {
                "file": {
                    "class": "logging.FileHandler",
                    "filename": str(folder / "homeserver.log"),
                    "formatter": "plain",
                }
            },
            "root": {"level": "WARNING", "handlers": ["file"]},
            "disable_existing_loggers": False,
        }
    )
