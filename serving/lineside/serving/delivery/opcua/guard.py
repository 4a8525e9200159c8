"""Who gets in and what for: every session's certificate, login and calls.

asyncua asks its certificate hook only about a certificate that the client names in CreateSession, and lets one pass
that names none. So the certificate that the encrypted channel itself was opened with is held against the trust list,
before the login is looked at.

asyncua also gives a session to any channel that names its token, before it looks at signature and login, and counts
these tokens up. Ours cannot be guessed, as OPC 10000-4, clause 7.35 asks.
"""

import math
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lineside.serving.clock import Clock
from lineside.serving.delivery.opcua.certificates import CertificateRefused, application_uri_of
from lineside.serving.delivery.opcua.trust import Standing, TrustList
from lineside.serving.delivery.opcua.users import SignedIn, UserBook, UserRoleName, UsersFileRefused

_log = structlog.get_logger(__name__)

_LONGEST_NAME: Final = 64
_MOST_SUBSCRIPTIONS: Final = 200
_MOST_ITEM_QUEUE: Final = 1000
_MOST_UNACKNOWLEDGED: Final = 100
"""Messages that one subscription keeps to be sent again."""
_MOST_CYCLES: Final = 3000
"""Publishing intervals until a subscription ends that nobody fetches from."""
_SHORTEST_INTERVAL_MS: Final = 10.0
_LONGEST_INTERVAL_MS: Final = 60_000.0
"""Between two publications. At 0 asyncua would publish within the sink's own work, for ever."""
_MOST_WAITING_MESSAGES: Final = 50
_MOST_NEWCOMERS: Final = 100
"""Sessions that nobody logged in to; the oldest one gives way (OPC 10000-4, clause 5.7.2)."""
_TOKEN_BYTES: Final = 32
_BETWEEN_NOTES_S: Final = 60.0

caller: ContextVar[str] = ContextVar("caller", default="somebody")
"""The name of whoever called the method that runs."""

_STATUS: Final = {
    Standing.UNKNOWN: ua.StatusCodes.BadCertificateUntrusted,
    Standing.NOT_YET_VALID: ua.StatusCodes.BadCertificateTimeInvalid,
    Standing.EXPIRED: ua.StatusCodes.BadCertificateTimeInvalid,
    Standing.UNREADABLE: ua.StatusCodes.BadCertificateInvalid,
}


@dataclass
class _Person(User):
    """A user of asyncua's lowest rank that may do anything, with the role that counts here."""

    signed_in: SignedIn | None = None


class GuardedServer(InternalServer):
    """asyncua's inner server with our guard at its sessions.

    Args:
        users: who may log in.
        trusted: which clients may connect.
        clock: time.
        most_clients: connections at once.
    """

    def __init__(self, *, users: UserBook, trusted: TrustList, clock: Clock, most_clients: int) -> None:
        super().__init__(user_manager=_Logins(users))
        self.operator_methods: set[ua.NodeId] = set()
        """What only operators may call; everybody who logged in may call the rest, which only looks things up."""
        self._trusted = trusted
        self._clock = clock
        self._refusal_noted_s: float | None = None
        self._sessions: WeakSet[GuardedSession] = WeakSet()
        self.allow_remote_admin = False
        self.max_connections = most_clients
        self.max_subscriptions = _MOST_SUBSCRIPTIONS
        self.max_monitored_item_queue_size = _MOST_ITEM_QUEUE
        self.max_unacked_messages_per_subscription = _MOST_UNACKNOWLEDGED
        self.max_lifetime_count = _MOST_CYCLES
        self.max_pending_messages_per_connection = _MOST_WAITING_MESSAGES
        self.supported_tokens = (ua.UserNameIdentityToken,)
        self.certificate_validator = self._validate

    def create_session(
        self,
        name: str,
        user: User = User(role=UserRole.Anonymous),  # noqa: B008 - asyncua's own signature
        external: bool = False,  # noqa: FBT001, FBT002 - asyncua's own signature
    ) -> InternalSession:
        """A session of ours where asyncua would make one of its own."""
        session = GuardedSession(self, self.aspace, self.subscription_service, name, user=user, external=external)
        self._sessions.add(session)
        return session

    def register_external_session(self, session: InternalSession) -> None:
        """Keep a new session under a token that only its client knows, and not more newcomers than a few."""
        session.auth_token = ua.NodeId(secrets.token_bytes(_TOKEN_BYTES), 0, ua.NodeIdType.ByteString)
        newcomers = [known for known in self._external_sessions.values() if not known.is_activated()]
        for known in newcomers[: max(len(newcomers) - _MOST_NEWCOMERS + 1, 0)]:
            self.unregister_external_session(known)
        super().register_external_session(session)

    def register_server(self, server: Any, conf: Any = None) -> None:  # noqa: ARG002 - asyncua's own signature
        """Refuse to tell clients of other servers, which asyncua lets strangers name.

        Raises:
            ServiceError: always.
        """
        raise ServiceError(ua.StatusCodes.BadServiceUnsupported)

    async def send_event(self, event: Any) -> None:
        """Put an event into the subscriptions to its node; one whose filter fails on it is ended."""
        subscriptions = self.subscription_service.subscriptions
        for number, subscription in list(subscriptions.items()):
            try:
                await subscription.monitored_item_srv.trigger_event(event)
            except Exception as error:  # noqa: BLE001 - what one client asks for must not keep events from the others
                self.note_refusal(f"a subscription that asks for what no event has ({type(error).__name__})")
                await self.subscription_service.delete_subscriptions([number])

    async def end_sessions(self) -> None:
        """Close every client's session and its subscriptions, which asyncua leaves running when it stops."""
        for session in list(self._sessions):
            await session.close_session(delete_subs=True)

    def require_trust(self, der: bytes | None) -> None:
        """Refuse a channel whose certificate is not trusted.

        Raises:
            ServiceError: with the status code that tells the client why.
        """
        standing = Standing.UNREADABLE if not der else self._trusted.standing_of(der, now=self._clock.now())
        if standing is not Standing.TRUSTED:
            self.note_refusal(f"a client whose certificate is {standing.value}")
            raise ServiceError(_STATUS[standing])

    def note_refusal(self, who: str) -> None:
        """Log that somebody was not let in, at most once a minute: strangers must not fill the log."""
        now_s = self._clock.monotonic()
        if self._refusal_noted_s is None or now_s - self._refusal_noted_s >= _BETWEEN_NOTES_S:
            self._refusal_noted_s = now_s
            _log.warning("opcua_refused", who=who)

    async def _validate(self, certificate: x509.Certificate, application: ua.ApplicationDescription) -> None:
        """Refuse early what `require_trust` would refuse, and a certificate made out to another application."""
        self.require_trust(certificate.public_bytes(Encoding.DER))
        try:
            uri = application_uri_of(certificate)
        except CertificateRefused as error:
            raise ServiceError(ua.StatusCodes.BadCertificateInvalid) from error
        if uri != application.ApplicationUri:
            raise ServiceError(ua.StatusCodes.BadCertificateUriInvalid)


class GuardedSession(InternalSession):
    """One client's session: its channel must be trusted, and its methods allowed to its role."""

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> ua.ActivateSessionResult:
        """Let a client in whose channel and login are both good."""
        if self.external:
            self._guard.require_trust(peer_certificate)
        return super().activate_session(params, peer_certificate)

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """Subscribe, at an interval that the server can keep; the client is told which."""
        wanted_ms = params.RequestedPublishingInterval
        if math.isnan(wanted_ms):
            wanted_ms = _LONGEST_INTERVAL_MS
        params.RequestedPublishingInterval = min(max(wanted_ms, _SHORTEST_INTERVAL_MS), _LONGEST_INTERVAL_MS)
        return await super().create_subscription(params, callback, request_callback)

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        """Call methods, each as far as the role goes."""
        token = caller.set(self.user.name or "somebody")
        try:
            return [await self._call_one(request) for request in params]
        finally:
            caller.reset(token)

    async def _call_one(self, request: ua.CallMethodRequest) -> ua.CallMethodResult:
        signed_in = self.user.signed_in if isinstance(self.user, _Person) else None
        is_operator = not self.external or (signed_in is not None and signed_in.role is UserRoleName.OPERATOR)
        if request.MethodId in self._guard.operator_methods and not is_operator:
            return ua.CallMethodResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadUserAccessDenied))
        return (await super().call([request]))[0]

    @property
    def _guard(self) -> GuardedServer:
        if not isinstance(self.iserver, GuardedServer):
            raise TypeError(f"a guarded session of {type(self.iserver).__name__}; expected a GuardedServer")
        return self.iserver


class _Logins:
    """Holds names and passwords against the file of users, in the shape that asyncua asks for."""

    def __init__(self, users: UserBook) -> None:
        self._users = users

    def get_user(
        self,
        iserver: GuardedServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,  # noqa: ARG002 - asyncua's own signature
    ) -> User | None:
        """Whoever has that login; None refuses."""
        if not username or not password:
            return None
        try:
            signed_in = self._users.sign_in(username[:_LONGEST_NAME], password)
        except UsersFileRefused as error:
            _log.warning("opcua_users_unusable", reason=str(error))
            return None
        if signed_in is None:
            iserver.note_refusal("a login with an unknown name or a wrong password")
            return None
        return _Person(role=UserRole.User, name=signed_in.name, signed_in=signed_in)
