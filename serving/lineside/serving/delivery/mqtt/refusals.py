"""Why a broker did not let us in, told apart: what passes by itself, and what a person must change."""

import socket
import ssl
from typing import Final

from lineside.serving.delivery.errors import PersonNeeded, Trouble, TryAgain
from lineside.serving.delivery.mqtt.addresses import BrokerAddress, TlsFiles

_REFUSED: Final = {
    132: ("it does not speak MQTT 3.1.1", "Use a broker that does."),
    133: ("it does not take our client id", "Set another `client_id`, of at most 23 letters and digits."),
    134: ("it does not know this user with this password", "Check `user` and `password_file`."),
    135: ("it does not allow this client in", "Set `user` and `password_file`, or have the broker allow this user."),
    138: ("this client is banned", "Ask whoever runs the broker."),
}
"""Refusals that stay, by reason code (MQTT 5.0, 2.4; those of MQTT 3.1.1 are translated)."""


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """What a TLS session with the broker is made with; the broker's certificate and name are always checked.

    Raises:
        PersonNeeded: a file is missing, unreadable or no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
        context.sslsocket_class = _TidySocket
        if files.certificate_file is not None:
            context.load_cert_chain(files.certificate_file, files.key_file)
    except (OSError, ssl.SSLError) as error:
        named = ", ".join(str(path) for path in (files.ca_file, files.certificate_file, files.key_file) if path)
        raise PersonNeeded(
            f"the files for TLS cannot be used ({named}: {error})",
            "Check `ca_file`, `certificate_file` and `key_file`.",
        ) from error
    return context


def refusal(address: BrokerAddress, code: int, words: str) -> Trouble:
    """What a CONNACK that is no welcome means."""
    stays = _REFUSED.get(code)
    if stays is None:
        return TryAgain(f"{address} refused the connection: {words}")
    reason, what_to_do = stays
    return PersonNeeded(f"{address} refused the connection: {reason} ({words})", what_to_do)


def connect_trouble(address: BrokerAddress, error: OSError) -> Trouble:
    """What it means that no connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return PersonNeeded(
            f"the certificate of {address} is not believed: {error.verify_message}",
            "Check `ca_file`, and that `host` is the name in the certificate.",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return PersonNeeded(
            f"no TLS session with {address}: {error.reason or error}",
            "Check that this port speaks TLS, and that the client certificate is one it takes.",
        )
    if address.tls is not None and isinstance(error, ConnectionResetError | ssl.SSLEOFError):
        return TryAgain(f"{address} broke off the TLS handshake ({error}): an outage, or a port that speaks no TLS")
    return TryAgain(f"{address} cannot be reached: {error}")


def closed_unanswered(address: BrokerAddress) -> Trouble:
    """Why a broker may have closed the connection before it answered; looks once, blocking.

    A port that wants TLS just closes on a client that does not speak it, as does one that misses a client certificate.
    """
    if address.tls is None and _speaks_tls(address):
        return PersonNeeded(
            f"{address} wants TLS", "Set `tls: {ca_file: ...}`, or use the port that speaks in the clear."
        )
    if address.tls is not None and _wants_certificate(address, address.tls):
        return PersonNeeded(
            f"{address} asks for a client certificate that it believes",
            "Set `certificate_file` and `key_file` in `tls`.",
        )
    return TryAgain(f"{address} closed the connection before it answered")


class _TidySocket(ssl.SSLSocket):
    """Closes itself when its handshake fails, which paho leaves to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's signature
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _speaks_tls(address: BrokerAddress) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # nothing is sent and nothing believed: only whether TLS is spoken is of interest
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.host, address.port), timeout=address.timeout_s) as plain,
            context.wrap_socket(plain),
        ):
            return True
    except ssl.SSLError as error:
        return error.reason is not None and "ALERT" in error.reason
    except OSError:
        return False


def _wants_certificate(address: BrokerAddress, files: TlsFiles) -> bool:
    """Whether a finished handshake is taken back for want of a certificate, as TLS 1.3 does."""
    try:
        with (
            socket.create_connection((address.host, address.port), timeout=address.timeout_s) as plain,
            tls_context(files).wrap_socket(plain, server_hostname=address.host) as secured,
        ):
            secured.settimeout(1.0)
            secured.recv(1)
    except ssl.SSLError as error:
        return error.reason is not None and ("CERTIFICATE" in error.reason or "HANDSHAKE_FAILURE" in error.reason)
    except OSError:
        return False
    return False
