"""Files of the homeserver: uploaded, downloaded, never more bytes than allowed."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import nio
from nio.crypto import decrypt_attachment
from nio.exceptions import EncryptionError

from adapters.matrix.errors import disconnection, refusal
from adapters.matrix.homeserver import Homeserver, refusal_in
from navi_bot.errors import Ambiguous, Refused, TooLong
from navi_bot.messages import Attachment, Document

TRANSFER_TIMEOUT = 100.0
"""Seconds for a file; delivery waits 120 for a document."""
PIECE = 65_536
"""Bytes read at once."""

MIME = "text/markdown"


async def fetch(homeserver: Homeserver, attachment: Attachment, limit: int) -> bytes:
    """Download a file of at most `limit` bytes, and decrypt it if it is sealed."""
    too_large = f"{attachment.name} is larger than {limit // 1_000_000} MB."
    if attachment.size is not None and attachment.size > limit:
        raise TooLong(too_large)
    sealed = _seal(attachment.ref)
    url = sealed["url"] if sealed else attachment.ref
    content = await _download(homeserver, url, limit, too_large)
    if sealed is None:
        return content
    try:
        return bytes(decrypt_attachment(content, sealed["k"], sealed["hash"], sealed["iv"]))
    except EncryptionError as error:
        raise Refused(f"{attachment.name} cannot be decrypted.") from error


async def upload(homeserver: Homeserver, document: Document, *, sealed: bool) -> dict[str, Any]:
    """Upload a document; return the part of an event that points to it."""
    content = document.text.encode(errors="replace")
    answer, keys = await _uploaded(homeserver, document.name, content, sealed=sealed)
    info = {"mimetype": MIME, "size": len(content)}
    if keys is None:
        return {"url": answer, "info": info}
    return {"file": {**keys, "url": answer, "mimetype": MIME}, "info": info}


async def _uploaded(
    homeserver: Homeserver, name: str, content: bytes, *, sealed: bool
) -> tuple[str, dict[str, Any] | None]:
    keys: dict[str, Any] | None = None

    async def uploading() -> nio.UploadResponse | nio.UploadError:
        nonlocal keys
        answer: nio.UploadResponse | nio.UploadError
        answer, keys = await homeserver.client.upload(
            BytesIO(content),
            content_type="application/octet-stream" if sealed else MIME,
            filename=None if sealed else name,
            encrypt=sealed,
            filesize=len(content),
        )
        return answer

    answer = await homeserver.answered(uploading(), TRANSFER_TIMEOUT)
    return str(answer.content_uri), keys


def _seal(ref: str) -> dict[str, str] | None:
    """Return what decrypts a sealed file; None where it is not sealed."""
    if not ref.startswith("{"):
        return None
    sealed: dict[str, str] = json.loads(ref)
    return sealed


async def _download(homeserver: Homeserver, url: str, limit: int, too_large: str) -> bytes:
    """Read a file piece by piece; no more of it than allowed is ever kept."""
    parts = urlsplit(url)
    if parts.scheme != "mxc" or not parts.netloc or len(parts.path) < 2:
        raise Refused("The file has no address of a homeserver.")
    media = quote(parts.path.removeprefix("/"), safe="")
    path = f"/_matrix/client/v1/media/download/{quote(parts.netloc, safe=':')}/{media}"
    headers = {"Authorization": f"Bearer {homeserver.client.access_token}"}
    try:
        response = await homeserver.client.send("GET", path, None, headers, None, TRANSFER_TIMEOUT)
        async with response:
            if response.status >= 300:
                raise refusal(refusal_in(response.status, await _json_of(response)))
            if (response.content_length or 0) > limit:
                raise TooLong(too_large)
            content = bytearray()
            async for piece in response.content.iter_chunked(PIECE):
                content += piece
                if len(content) > limit:
                    raise TooLong(too_large)
            return bytes(content)
    except TimeoutError as error:
        raise Ambiguous("The homeserver did not send the file in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise disconnection(error) from error


async def _json_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        answer = await response.json(content_type=None)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
