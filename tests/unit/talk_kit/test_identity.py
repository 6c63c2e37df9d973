"""The signed header: what one key signs, another place reads, and nobody else can make or move."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from talk_kit.errors import Unauthenticated
from talk_kit.identity import (
    ARRIVAL_SECONDS,
    CALL_SECONDS,
    CLOCKS_APART,
    ISSUER,
    Identity,
    InvalidKeyFile,
    PublicKeys,
    Signer,
    Verifier,
    new_keys,
    read_signer,
)

NOW = 1_800_000_000.0
PRIVATE, PUBLIC = new_keys()
SIGNER, VERIFIER = Signer(PRIVATE), Verifier(PUBLIC)

texts = st.text(st.characters(codec="utf-8"), max_size=128)
identities = st.builds(Identity, texts, texts, texts, st.lists(texts, max_size=16).map(tuple))


@given(identities, st.floats(-CLOCKS_APART, ARRIVAL_SECONDS))
def test_what_was_signed_arrives(identity: Identity, later: float) -> None:
    token = SIGNER.sign(identity, NOW)
    assert token.isascii()
    assert VERIFIER.arrived(token, identity.agent, NOW + later) == identity


@given(identities, texts)
def test_it_is_good_for_its_own_agent_and_session_only(identity: Identity, other: str) -> None:
    if other != identity.agent:
        with pytest.raises(Unauthenticated, match="another agent"):
            VERIFIER.arrived(SIGNER.sign(identity, NOW), other, NOW)
    if other != identity.session:
        with pytest.raises(Unauthenticated, match="another session"):
            identity.require_session(other)


@pytest.mark.parametrize("later", [-CLOCKS_APART - 1, ARRIVAL_SECONDS + CLOCKS_APART + 1, 1e12, -1e12])
def test_it_is_good_for_a_minute(later: float) -> None:
    token = SIGNER.sign(Identity("key:alice", "a", "s"), NOW)
    with pytest.raises(Unauthenticated, match="expired"):
        VERIFIER.arrived(token, "a", NOW + later)


def test_an_agent_may_hand_it_back_for_the_length_of_a_turn() -> None:
    token = SIGNER.sign(Identity("key:alice", "a", "s"), NOW)
    assert VERIFIER.handed_back(token, NOW + CALL_SECONDS).agent == "a"
    with pytest.raises(Unauthenticated):
        VERIFIER.handed_back(token, NOW + CALL_SECONDS + CLOCKS_APART + 1)


@given(
    st.text(st.characters(codec="utf-8"), max_size=200) | st.binary(max_size=90).map(lambda b: b.hex() + ".." + b.hex())
)
def test_any_text_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        VERIFIER.arrived(token, "a", NOW)


@given(st.integers(0, 10_000), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_changed_one_is_refused(at: int, character: str) -> None:
    token = SIGNER.sign(Identity("key:alice", "a", "s"), NOW)
    at %= len(token) - 1  # the last character of base64 has bits that mean nothing
    changed = token[:at] + character + token[at + 1 :]
    if changed != token:
        with pytest.raises(Unauthenticated):
            VERIFIER.arrived(changed, "a", NOW)


def test_no_other_key_and_no_other_algorithm_counts() -> None:
    stranger = Signer(new_keys()[0])
    claims = {"iss": ISSUER, "sub": "", "aud": "a", "sid": "s", "iat": int(NOW), "exp": int(NOW) + 60}
    kid = SIGNER._header["kid"]
    head, body, signature = SIGNER.sign(Identity("", "a", "s"), NOW).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"%s"}' % kid.encode()).decode().rstrip("=")
    forged = [
        stranger.sign(Identity("key:alice", "a", "s"), NOW),
        jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.generate_key(256), algorithms=["HS256"]),
        jwt.encode({"alg": "Ed25519", "kid": kid}, claims, OKPKey.generate_key("Ed25519"), algorithms=["Ed25519"]),
        f"{none}.{body}.",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}" * 40,
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            VERIFIER.arrived(token, "a", NOW)


@pytest.mark.parametrize("claim", ["sub", "aud", "sid", "iat", "exp", "iss", "path"])
def test_claims_of_another_shape_are_refused(claim: str) -> None:
    good = {"iss": ISSUER, "sub": "", "aud": "a", "sid": "s", "iat": int(NOW), "exp": int(NOW) + 60}
    for wrong in (None, [1], {"a": 1}, True, ["x"] * 17):
        token = jwt.encode(SIGNER._header, {**good, claim: wrong}, SIGNER._key, algorithms=["Ed25519"])
        if claim in ("iat", "exp") and wrong is True:
            continue
        with pytest.raises(Unauthenticated):
            VERIFIER.arrived(token, "a", NOW)


def test_two_keys_count_at_once_and_a_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "identity.pub"
    file.write_bytes(PUBLIC)
    keys = PublicKeys(file, pause=2.0)
    private, public = new_keys()
    (tmp_path / "next.pem").write_bytes(private)
    follower = read_signer(tmp_path / "next.pem")
    identity = Identity("key:alice", "a", "s")
    now = time.time()
    with pytest.raises(Unauthenticated):
        keys.current(now).arrived(follower.sign(identity, now), "a", now)
    file.write_bytes(PUBLIC + public)
    for signer in (SIGNER, follower):
        assert keys.current(now + 3).arrived(signer.sign(identity, now), "a", now) == identity
    file.write_bytes(b"broken")
    assert keys.current(now + 6).arrived(SIGNER.sign(identity, now), "a", now) == identity


@pytest.mark.parametrize(
    "content", [b"", b"canary", PRIVATE, b"-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----"]
)
def test_a_file_without_public_keys_is_refused_and_not_repeated(content: bytes) -> None:
    with pytest.raises(InvalidKeyFile) as refused:
        Verifier(content)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"canary", PUBLIC])
def test_a_file_without_a_private_key_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidKeyFile):
        Signer(content)


def test_no_key_is_in_a_repr() -> None:
    assert PRIVATE.split(b"\n")[1].decode() not in repr(SIGNER) + repr(vars(SIGNER))
