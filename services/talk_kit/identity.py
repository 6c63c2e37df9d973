"""Who a turn is for, as the gateway tells it to an agent: a signed header, good for one agent and one session.

Only the gateway has the private key; an agent has the public one, and so can check an identity and never make one,
whatever image it runs. What it may do with the one it was given is hand it back: to ask another agent, through the
gateway, in the same caller's name and in a session that belongs to this one. Times are seconds since 1970.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from talk_kit.errors import Unauthenticated

HEADER = "X-Talk-Identity"
ISSUER = "talk-gateway"
ALGORITHM = "Ed25519"
# Until an identity reaches its agent: a connect, a retry at another pod, two clocks that differ.
ARRIVAL_SECONDS = 60
# While the agent may ask others with it: the longest turn that a spec allows is shorter.
CALL_SECONDS = 3600
CLOCKS_APART = 30
LONGEST = 8192
LONGEST_PATH = 16
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.S)


class InvalidKeyFile(ValueError):
    """A key cannot be used; the sentence repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`caller` is empty where nobody is asked who they are; `path` names the agents whose calls led here."""

    caller: str
    agent: str
    session: str
    path: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """Whose session it is: without callers, each session is its own user."""
        return self.caller or self.session

    def require_session(self, session: str) -> None:
        """Unauthenticated where it was given for another session."""
        if session != self.session:
            raise Unauthenticated("This identity was given for another session.")


class Signer:
    """Makes identities with a private key (PEM)."""

    def __init__(self, private: bytes) -> None:
        """InvalidKeyFile where it is no Ed25519 key."""
        try:
            key = serialization.load_pem_private_key(private, password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidKeyFile("the file is no private key of Ed25519 (openssl genpkey -algorithm ed25519)")
        self._key = OKPKey.import_key(private)
        self.public = _pem(key.public_key())
        self._header = {"alg": ALGORITHM, "kid": _id(key.public_key())}

    def sign(self, identity: Identity, now: float) -> str:
        """The header's value."""
        claims = {
            "iss": ISSUER,
            "sub": identity.caller,
            "aud": identity.agent,
            "sid": identity.session,
            "iat": int(now),
            "exp": int(now) + CALL_SECONDS,
        }
        if identity.path:
            claims["path"] = list(identity.path)
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])


class Verifier:
    """Checks identities with public keys, or certificates, of which several may count at once."""

    def __init__(self, public: bytes) -> None:
        """InvalidKeyFile where there is no key, or one that is not of Ed25519."""
        keys = [_public(match[0], match[1]) for match in _PEM.finditer(public)]
        if not keys:
            raise InvalidKeyFile("the file has no public key in PEM")
        self._keys = {_id(key): OKPKey.import_key(_pem(key)) for key in keys}

    def arrived(self, token: str, agent: str, now: float) -> Identity:
        """What an agent takes: its own, and fresh. Unauthenticated otherwise."""
        identity = self._verified(token, now, ARRIVAL_SECONDS)
        if identity.agent != agent:
            raise Unauthenticated("This identity was given for another agent.")
        return identity

    def handed_back(self, token: str, now: float) -> Identity:
        """What the gateway takes from an agent that asks another one, which its `agent` names."""
        return self._verified(token, now, CALL_SECONDS)

    def _verified(self, token: str, now: float, seconds: int) -> Identity:
        if len(token) > LONGEST:
            raise Unauthenticated("This identity is not valid.")
        try:
            key = self._keys[str(jws.extract_compact(token.encode()).headers().get("kid", ""))]
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
            issued = claims["iat"]
            valid = claims["iss"] == ISSUER and -CLOCKS_APART <= now - issued <= seconds + CLOCKS_APART
            if not valid or now > claims["exp"] + CLOCKS_APART:
                raise Unauthenticated("This identity has expired.")
            return _identity(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise Unauthenticated("This identity is not valid.") from None


class PublicKeys:
    """A `Verifier` of a file that may change: it is looked at when a key is not known, at most every `pause` seconds.

    Keys change by adding the next one before it signs, so that the file is current when it is looked at.
    """

    def __init__(self, path: Path, pause: float = 2.0) -> None:
        """InvalidKeyFile where the file cannot be used."""
        self._path = path
        self._pause = pause
        self._raw = _read(path)
        self._verifier = Verifier(self._raw)
        self._looked_at = 0.0

    def current(self, now: float) -> Verifier:
        """The keys as the file has them. One that cannot be read changes nothing."""
        if now - self._looked_at >= self._pause:
            self._looked_at = now
            try:
                raw = _read(self._path)
                if raw != self._raw:
                    self._verifier, self._raw = Verifier(raw), raw
            except InvalidKeyFile:
                pass
        return self._verifier


def read_signer(path: Path) -> Signer:
    """The signer of a file; InvalidKeyFile where it cannot be used."""
    return Signer(_read(path))


def new_keys() -> tuple[bytes, bytes]:
    """A private key and its public one, as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, _pem(key.public_key())


def _identity(claims: Mapping[str, Any]) -> Identity:
    path = claims.get("path", [])
    if not isinstance(path, list):
        raise TypeError("claims of another shape")
    identity = Identity(claims["sub"], claims["aud"], claims["sid"], tuple(path))
    texts = (identity.caller, identity.agent, identity.session, *path)
    if not all(isinstance(text, str) for text in texts) or len(path) > LONGEST_PATH:
        raise ValueError("claims of another shape")
    return identity


def _public(pem: bytes, kind: bytes) -> Ed25519PublicKey:
    try:
        key = (
            x509.load_pem_x509_certificate(pem).public_key()
            if kind == b"CERTIFICATE"
            else serialization.load_pem_public_key(pem)
        )
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidKeyFile("the file has a PEM block that is no public key or certificate of Ed25519")
    return key


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _id(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()[:9]).decode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()[:65_536]
    except OSError as error:
        raise InvalidKeyFile(f"the file cannot be read ({error.strerror})") from None
