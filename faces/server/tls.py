"""TLS: the certificate that the server shows, one of its own making if wanted, and encrypted connections."""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Lock

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import make_folder, owner_only

SELF_SIGNED = "self_signed.pem"
VALID = timedelta(days=3650)  # clients trust it by its fingerprint, which a new one would change


def context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return what encrypts connections.

    certificate: PEM, followed by its issuers' if there are any.
    key: PEM, unencrypted; None if it is in the same file.

    Raises UsageError if a file cannot be read, is damaged or does not fit the other.
    """
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.sslsocket_class = _Socket
    settings.options |= ssl.OP_NO_RENEGOTIATION
    named = f"{certificate}, {key}" if key else f"{certificate}"
    for file in filter(None, (certificate, key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise UsageError(f"{file}: {reason_of(error)}") from error
    try:
        settings.load_cert_chain(certificate, key, password=_no_password)
    except _EncryptedError as error:
        raise UsageError(f"{named}: the key is encrypted; decrypt it: openssl pkey -in FILE -out FILE") from error
    except (ssl.SSLError, ValueError) as error:
        reason = "the key does not belong to the certificate" if "MISMATCH" in str(error) else "damaged, or not PEM"
        raise UsageError(f"{named}: {reason}; give a certificate and its key in PEM files") from error
    return settings


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 fingerprint of the first certificate in a PEM file, as browsers and openssl show it."""
    text = certificate.read_text(encoding="ascii", errors="replace")
    begin, end = ssl.PEM_HEADER, ssl.PEM_FOOTER
    first = f"{begin}{text.split(begin, 1)[1].split(end, 1)[0]}{end}\n"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest().hex(":").upper()


def self_signed(folder: Path, address: str) -> Path:
    """Return the path of a certificate with its key, readable by their owner alone; make it if it is not there.

    folder: to keep it in.
    address: the IP address that the server listens on.

    Raises UsageError without the package cryptography, and FacesError if the file cannot be written.
    """
    path = folder / SELF_SIGNED
    if path.exists():
        return path
    data = _made(address)
    try:
        make_folder(folder)
        with suppress(FileExistsError), open(path, "xb", opener=owner_only) as file:
            file.write(data)
    except OSError as error:
        raise FacesError(f"{path}: {reason_of(error)}") from error
    return path


def _made(address: str) -> bytes:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise UsageError(
            "--tls-self-signed needs the package cryptography; run: pip install 'recognize-faces[tls]'"
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "faces serve")])
    own = ipaddress.ip_address(address.partition("%")[0])
    addresses = {own, *map(ipaddress.ip_address, ("127.0.0.1", "::1"))}
    names = [*map(x509.DNSName, dict.fromkeys(("localhost", *_host_names())))]
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([*names, *map(x509.IPAddress, sorted(addresses, key=str))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)  # so that clients can be told to trust it
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + secret


def _host_names() -> tuple[str, ...]:
    name = socket.gethostname()
    return (name,) if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else ()


class _EncryptedError(Exception):
    pass


def _no_password() -> str:
    raise _EncryptedError


class _Socket(ssl.SSLSocket):
    """An encrypted socket with the behaviour of a plain one that does not block; for several threads."""

    lock: Lock  # OpenSSL allows one call at a time

    @property
    def can_send(self) -> bool:
        """Whether the handshake is done."""
        return self.version() is not None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        with self.lock, _as_if_plain():
            return super().recv(buflen, flags)

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        with self.lock, _as_if_plain():
            return super().send(data, flags)

    def shutdown(self, how: int) -> None:
        with self.lock:
            with suppress(OSError, ValueError):  # the client's own "close notify" is not waited for
                self.unwrap()
            super().shutdown(how)


@contextmanager
def _as_if_plain() -> Iterator[None]:
    try:
        yield
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
        raise BlockingIOError(errno.EWOULDBLOCK, "the connection would block") from error


def encrypted(connection: socket.socket, settings: ssl.SSLContext) -> socket.socket:
    """Return an accepted connection with TLS. The handshake is part of the first reading, so it blocks nobody."""
    connection.setblocking(False)
    wrapped = settings.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    assert isinstance(wrapped, _Socket)
    wrapped.lock = Lock()
    return wrapped
