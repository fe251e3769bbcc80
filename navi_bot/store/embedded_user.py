"""As whom the embedded server runs: PostgreSQL refuses to run as root.

Root maps itself to `nobody` in a user namespace, where it still owns the
files below a closed home. Where namespaces are refused the server becomes
`nobody` for real, if that user can reach the programs and the data directory.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from navi_bot.errors import ConfigurationError

NOBODY = 65534
PROBE_TIMEOUT = 10.0

_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """`words` stand before a command; `uid` is whom it becomes, None: whoever we are."""

    words: tuple[str, ...] = ()
    uid: int | None = None

    @property
    def owner(self) -> int:
        """The id that its files must have outside of a namespace."""
        return os.geteuid() if self.uid is None else self.uid

    def refuse_foreign(self, path: Path) -> None:
        """Raise ConfigurationError if a path belongs to a person who is not us.

        Root and nobody hand over to each other, for namespaces may come and go;
        what belongs to anybody else is never taken.
        """
        try:
            found = path.lstat().st_uid
        except FileNotFoundError:
            return
        if found != self.owner and (os.geteuid() != 0 or not {found, self.owner} <= {0, NOBODY}):
            raise ConfigurationError(
                f"{path} belongs to the user with the id {found}. Run navi-bot as that user."
            )

    def own(self, path: Path) -> None:
        """Make everything from a path on the user's own; ConfigurationError if foreign."""
        self.refuse_foreign(path)
        if path.lstat().st_uid != self.owner:
            for each in (path, *path.rglob("*")):
                os.chown(each, self.owner, self.owner, follow_symlinks=False)

    def run(self, *command: str, environment: dict[str, str], timeout: float) -> tuple[int, str]:
        """Run a command to its end; return its code and what it said."""
        done = subprocess.run(
            [*self.words, *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, errors="replace", env=environment, timeout=timeout, check=False,
            user=self.uid, group=self.uid, extra_groups=None if self.uid is None else [],
        )  # fmt: skip
        return done.returncode, done.stdout


def server_user(program: Path, root: Path) -> ServerUser:
    """Return as whom a program may work in the data directory `root`, never as root.

    ConfigurationError when there is no way.
    """
    if os.geteuid() != 0:
        return ServerUser()
    if shutil.which(_NAMESPACE[0]) and _works(ServerUser(_NAMESPACE), "true"):
        return ServerUser(_NAMESPACE)
    dropped = ServerUser(uid=NOBODY)
    root.chmod(root.stat().st_mode | 0o011)
    if _works(dropped, "test", "-x", str(program), "-a", "-x", str(root)):
        return dropped
    raise ConfigurationError(
        "PostgreSQL cannot run as root here: user namespaces are refused, and the user nobody "
        f"cannot reach {program.parent} and {root}. "
        "Run navi-bot as a normal user, or set NAVI_DATABASE_URL."
    )


def _works(user: ServerUser, *command: str) -> bool:
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    try:
        return user.run(*command, environment=environment, timeout=PROBE_TIMEOUT)[0] == 0
    except (OSError, subprocess.SubprocessError):
        return False
