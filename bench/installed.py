"""Hides what only tests need: libraries import it where they find it, and it would be weighed."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
OURS = "navi-bot"

_NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)
_SITE = """
import sys

class Hidden:
    names = frozenset({names!r})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def locked(text: str) -> frozenset[str]:
    """Return the packages that a lock file names, their names normalized."""
    return frozenset(_normal(name) for name in _NAMED.findall(text))


def superfluous(packages: frozenset[str]) -> list[str]:
    """Return the top-level modules here that come from no package of these and are not ours."""
    kept = packages | {OURS}
    return sorted(
        module
        for module, sources in packages_distributions().items()
        if not any(_normal(source) in kept for source in sources)
    )


def hide(folder: Path) -> str:
    """Write what hides them into a folder; return the folder, for PYTHONPATH."""
    folder.mkdir(exist_ok=True)
    names = superfluous(locked(LOCK.read_text(encoding="utf-8")))
    (folder / "sitecustomize.py").write_text(_SITE.format(names=names), encoding="utf-8")
    return str(folder)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
