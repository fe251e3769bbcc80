"""Secrets at rest: files that only the key of the installation opens.

The key is derived from NAVI_SECRET_KEY, or is a file in the data directory
that is made when it is needed, readable by nobody else.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from navi_bot.errors import CredentialError, OperatorError

KEY_FILE = "secret.key"


class Vault:
    """Encrypts small files and hands out further keys."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: at least 16 bytes that nobody guesses."""
        self._secret = secret
        self._fernet = Fernet(base64.urlsafe_b64encode(self._derived("files")))

    @classmethod
    def of(cls, data_dir: Path, secret_key: str = "") -> "Vault":
        """Open the installation's vault; `secret_key` is NAVI_SECRET_KEY.

        OperatorError when the data directory cannot be written.
        """
        if secret_key:
            return cls(secret_key.encode())
        path = data_dir / KEY_FILE
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                write_private(path, secrets.token_urlsafe(32).encode())
            return cls(path.read_bytes().strip())
        except OSError as error:
            raise OperatorError(f"{path} cannot be read or made ({error.strerror}).") from error

    def passphrase(self, purpose: str) -> str:
        """Return a key of its own for something else that encrypts."""
        return base64.urlsafe_b64encode(self._derived(purpose)).decode()

    def save(self, path: Path, values: Mapping[str, Any]) -> None:
        write_private(path, self._fernet.encrypt(json.dumps(values).encode()))

    def load(self, path: Path) -> dict[str, Any] | None:
        """Return what was saved; None when there is no file.

        CredentialError when another key wrote it.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            values = json.loads(self._fernet.decrypt(content))
        except (InvalidToken, ValueError) as error:
            raise CredentialError(
                f"{path} was written with another key; put back NAVI_SECRET_KEY, or {KEY_FILE} "
                "in the data directory."
            ) from error
        assert isinstance(values, dict), "only mappings are saved"
        return values

    def _derived(self, purpose: str) -> bytes:
        key = HKDF(SHA256(), length=32, salt=None, info=f"navi-bot {purpose}".encode())
        return key.derive(self._secret)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file as a whole; nobody else may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
