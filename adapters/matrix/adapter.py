"""One Matrix account: who it is, its connection, its state."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import structlog

from adapters.matrix.comparison import Party
from adapters.matrix.dialogue import Transport
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.identity import Identity
from adapters.matrix.inbound import PLATFORM, Me
from adapters.matrix.invitations import Invitations
from adapters.matrix.login import Credentials, Device
from adapters.matrix.outbound import MatrixOutbound
from adapters.matrix.reader import Reader
from adapters.matrix.recent import Recent
from adapters.matrix.rights import Listed
from adapters.matrix.sealed import SealedMessages
from adapters.matrix.sealing import Sealing
from adapters.matrix.sync import Desk, Patience, SyncLoop
from adapters.matrix.trust import Trust, Unverified
from adapters.matrix.vault import Vault
from adapters.matrix.verification import Verifications
from navi_bot.errors import Bug, CredentialError, NaviError
from navi_bot.ports.platform import Accept, Rights

log = structlog.get_logger()

LATE = 2.5
"""Times the interval that edits of a message wait which has had ten: each is an event for ever."""


class MatrixAdapter:
    """Implements the Adapter port over matrix-nio's client."""

    platform = PLATFORM
    one_limit = True

    def __init__(
        self,
        credentials: Credentials,
        data_dir: Path,
        *,
        owners: Collection[str] = (),
        secret_key: str = "",
        interval: float = 2.0,
        unverified: Unverified = "talk",
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`owners`: full ids of those who may invite; `secret_key`: NAVI_SECRET_KEY.

        `interval`: seconds between calls to one room that are sustainable, to begin with;
        `unverified`: what devices that we do not know may do.
        """
        self.private_interval = self.group_interval = interval
        self.late_interval = LATE * interval
        self._credentials = credentials
        self._data_dir = data_dir
        self._rights: Rights = Listed(owners)
        self._secret_key = secret_key
        self._unverified: Unverified = unverified
        self._patience = patience or Patience()
        self._clock = clock
        self._recent = Recent()
        self._desk: Desk | None = None
        self._last_contact = 0.0
        self._last_try = 0.0
        self._trouble = ""
        self.outbound = MatrixOutbound(self._recent)

    @property
    def account(self) -> str:
        return self._credentials.user_id

    @property
    def name(self) -> str:
        return Me(self._credentials.user_id).localpart

    @property
    def last_contact(self) -> float:
        return self._last_contact

    @property
    def last_try(self) -> float:
        return self._last_try

    @property
    def trouble(self) -> str:
        return self._trouble

    def consult(self, rights: Rights) -> None:
        """Ask the database who may do what, and not the settings alone."""
        self._rights = rights

    async def connect(self) -> None:
        """Log in with this installation's device, and have it sign itself if it can.

        CredentialError when the homeserver refuses or the device's keys are lost.
        """
        vault = Vault.of(self._data_dir, self._secret_key)
        device = Device(self._credentials, self._data_dir, vault)
        homeserver = device.homeserver()
        try:
            await device.log_in(homeserver)
            master = await self._sign(Identity(homeserver, device.folder, vault))
            me = Me(homeserver.user_id, await _display_name(homeserver))
        except BaseException:
            await homeserver.aclose()
            raise
        sealing = Sealing(homeserver)
        trust = Trust(homeserver, device.folder, vault, self._unverified)
        self._desk = Desk(
            homeserver,
            Reader(homeserver, self._recent, me, lambda: datetime.now(UTC), trust),
            trust,
            sealing,
            SealedMessages(homeserver, device.folder, time.time),
            Invitations(homeserver, self._rights),
            Verifications(
                Transport(homeserver, sealing),
                _party(homeserver, master),
                trust,
                self._rights,
                self._clock,
            ),
            lambda: device.log_in_again(homeserver),
        )
        self.outbound.use(homeserver, sealing)

    async def _sign(self, identity: Identity) -> str:
        """Sign our device; return the master key that stands behind it.

        Where that fails the bot works, but is not shown as verified ("").
        """
        try:
            if await identity.ensure(self._credentials.password) == "signed now":
                log.info("device_signed")
        except NaviError as error:
            log.warning("device_not_signed", error=str(error))
            return ""
        return identity.master

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Sync for ever; only a refused account ends it (CredentialError)."""
        desk = self._desk
        if desk is None:
            raise Bug("receive() is called after connect().")
        loop = SyncLoop(desk, self._patience, self._touch, self._note)
        refused: CredentialError | None = None
        async with asyncio.TaskGroup() as tasks:
            besides = [
                tasks.create_task(desk.invitations.follow()),
                tasks.create_task(desk.invitations.sort()),
                tasks.create_task(desk.invitations.turn_down()),
                tasks.create_task(desk.verifications.follow()),
            ]
            try:
                await loop.run(accept, cursor)
            except CredentialError as error:
                refused = error  # raised outside: a group would wrap it
            finally:
                for task in besides:
                    task.cancel()
        if refused is not None:
            raise refused

    def _touch(self) -> None:
        self._last_contact = self._last_try = self._clock()

    def _note(self, trouble: str) -> None:
        self._last_try = self._clock()
        if trouble and trouble != self._trouble:
            log.warning("matrix_troubled", trouble=trouble)
        self._trouble = trouble

    async def close(self) -> None:
        if self._desk is not None:
            await self._desk.homeserver.aclose()


async def _display_name(homeserver: Homeserver) -> str:
    """Return how the account is called, "" where that is not known."""
    try:
        call = homeserver.client.get_displayname(homeserver.user_id)
        answer = await homeserver.answered(call)
    except NaviError as error:
        log.info("name_not_known", error=type(error).__name__)
        return ""
    return str(answer.displayname or "")


def _party(homeserver: Homeserver, master: str) -> Party:
    """Return our device as it is compared."""
    key = homeserver.fingerprint.replace(" ", "")
    return Party(homeserver.user_id, homeserver.device_id, key, master)
