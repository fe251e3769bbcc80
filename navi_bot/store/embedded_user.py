"""As whom the embedded server runs: PostgreSQL refuses to run as root.

Root maps itself to `nobody` in a user namespace, where it still owns the
files below a closed home. Where namespaces are refused it becomes `nobody`
for real, if that user can read the binaries and own the cluster.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from navi_bot.errors import ConfigurationError

NOBODY = 65534
PROBE_TIMEOUT = 10.0

_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
_DROPPED = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def is_root() -> bool:
    return os.geteuid() == 0


def prefix(binary: Path, cluster: Path) -> tuple[str, ...]:
    """Return the words to put before a server command so that it is not root.

    ConfigurationError when there is no way.
    """
    if not is_root():
        return ()
    if _works((*_NAMESPACE, "true")):
        return _NAMESPACE
    if _works((*_DROPPED, "test", "-x", str(binary))):
        _hand_over(cluster)
        return _DROPPED
    raise ConfigurationError(
        "PostgreSQL cannot run as root here: user namespaces are refused and the user nobody "
        "cannot read the program. Run navi-bot as a normal user, or set NAVI_DATABASE_URL."
    )


@cache
def _works(command: tuple[str, ...]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _hand_over(cluster: Path) -> None:
    cluster.mkdir(parents=True, exist_ok=True)
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
