"""A gateway that takes an issuer's tokens."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key
from starlette.datastructures import Headers

from talk_gateway.auth.oidc import Oidc, OidcRules
from talk_gateway.auth.signing_keys import SigningKeys
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from talk_kit.errors import Unauthenticated, Unavailable
from talk_kit.http_client import HttpPool
from talk_kit.settings import SettingsError
from tests.fakes.issuer import FakeIssuer
from tests.fakes.serving import serve
from tests.unit.talk_gateway.conftest import StartGateway

pytestmark = pytest.mark.loopback

NOW = int(time.time())


PEM = re.compile(r"^[A-Za-z0-9+/=]+$", re.M)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def published(key: Key) -> str:
    assert isinstance(key, ECKey)
    return key.as_pem(private=False).decode()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def running(issuer: FakeIssuer, clock: Clock | None = None, **rules: Any) -> AsyncIterator[Oidc]:
    async with serve(issuer.app()) as url, HttpPool() as pool:
        issuer.url = url
        keys = SigningKeys(url, None, clock or Clock())
        oidc = Oidc(OidcRules(url, "talk", ("ES256", "RS256"), **rules), keys)
        async with oidc.running(pool):
            yield oidc


def bearer(token: str) -> Headers:
    return Headers({"Authorization": f"Bearer {token}"})


async def test_a_token_names_its_caller_and_the_agents_it_covers() -> None:
    issuer = FakeIssuer()
    async with running(issuer, agents_claim="agents") as oidc:
        caller = await oidc.authenticate(bearer(issuer.token(agents=["viva_examiner"], aud=["other", "talk"])))
        assert (caller.name, caller.agents) == ("oidc:alice", frozenset({"viva-examiner"}))
        assert (await oidc.authenticate(bearer(issuer.token(agents="a b")))).agents == frozenset({"a", "b"})
        assert (await oidc.authenticate(bearer(issuer.token()))).agents == frozenset()


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW - 60}, "expired"),
        ({"exp": None}, "not valid"),
        ({"exp": "soon"}, "not valid"),
        ({"iss": "https://other.example"}, "not valid"),
        ({"aud": "other"}, "not valid"),
        ({"aud": None}, "not valid"),
        ({"nbf": NOW + 86_400}, "not valid"),
        ({"sub": None}, "no sub"),
        ({"sub": "a\nb"}, "no sub"),
        ({"sub": "x" * 300}, "no sub"),
        ({"sub": 7}, "not valid|no sub"),
    ],
)
async def test_a_token_that_says_anything_else_is_refused(claims: dict[str, Any], told: str) -> None:
    issuer = FakeIssuer()
    async with running(issuer) as oidc:
        with pytest.raises(Unauthenticated, match=told):
            await oidc.authenticate(bearer(issuer.token(**claims)))


async def test_clocks_may_be_apart_a_little() -> None:
    issuer = FakeIssuer()
    async with running(issuer, leeway=120) as oidc:
        await oidc.authenticate(bearer(issuer.token(exp=int(time.time()) - 60)))


async def test_no_algorithm_but_the_allowed_ones_meets_a_key() -> None:
    issuer = FakeIssuer()
    async with running(issuer) as oidc:
        stranger = issuer.token(ECKey.generate_key("P-256"))
        head, body, _ = issuer.token().split(".")
        none, hs256 = (encoded(json.dumps({"alg": alg, "kid": "one"}).encode()) for alg in ("none", "HS256"))
        public = base64.b64decode("".join(PEM.findall(published(issuer.keys["one"]))))
        confused = f"{hs256}.{body}.{encoded(hmac.digest(public, f'{hs256}.{body}'.encode(), 'sha256'))}"
        for token in (confused, stranger, f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}"):
            with pytest.raises(Unauthenticated):
                await oidc.authenticate(bearer(token))


async def test_keys_rotate_without_a_restart_and_inventors_of_ids_cause_no_storm() -> None:
    issuer, clock = FakeIssuer(), Clock()
    async with running(issuer, clock) as oidc:
        await oidc.authenticate(bearer(issuer.token()))
        assert issuer.asked == 1
        issuer.keys = {"two": ECKey.generate_key("P-256")}
        clock.now += 11
        await oidc.authenticate(bearer(issuer.token()))
        assert issuer.asked == 2
        for at in range(50):
            with pytest.raises(Unauthenticated):
                await oidc.authenticate(bearer(issuer.token(header={"kid": f"invented-{at}"})))
        assert issuer.asked == 2


async def test_an_issuer_that_is_away_locks_out_nobody_whose_key_is_known() -> None:
    issuer, clock = FakeIssuer(), Clock()
    issuer.down = True
    async with running(issuer, clock) as oidc:
        with pytest.raises(Unavailable, match="issuer does not answer"):
            await oidc.authenticate(bearer(issuer.token()))
        issuer.down = False
        clock.now += 11
        await oidc.authenticate(bearer(issuer.token()))
        issuer.down = True
        clock.now += 11
        await oidc.authenticate(bearer(issuer.token()))


@given(st.text(st.characters(codec="latin-1"), max_size=200))
async def test_any_text_is_refused(token: str) -> None:
    oidc = Oidc(OidcRules("https://a.example", "talk", ("ES256",)), SigningKeys("https://a.example", None))
    with pytest.raises(Unauthenticated):
        await oidc.authenticate(Headers({"X-API-Key": token or " "}))


async def test_a_gateway_lets_tokens_in_and_tells_them_nowhere(
    start_gateway: StartGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer = FakeIssuer()
    async with serve(issuer.app()) as url:
        issuer.url = url
        environ = {"TALK_AUTH_MODE": "oidc", "TALK_OIDC_ISSUER": url, "TALK_OIDC_AUDIENCE": "talk"}
        async with start_gateway(**environ) as gateway:
            for token, status in ((issuer.token(), 200), (issuer.token(exp=1), 401)):
                answer = await gateway.client.post(
                    "/v1/chat", json={"text": "Hi"}, headers={"Authorization": f"Bearer {token}"}
                )
                assert answer.status_code == status
                assert token.split(".")[1] not in answer.text + capsys.readouterr().out
            assert not any("authorization" in headers for headers in gateway.agent.headers)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TALK_OIDC_ISSUER": "https://a.example"},
        {"TALK_OIDC_ISSUER": "http://a.example", "TALK_OIDC_AUDIENCE": "talk"},
        {"TALK_OIDC_ISSUER": "https://a.example", "TALK_OIDC_AUDIENCE": "t", "TALK_OIDC_ALGORITHMS": "HS256"},
        {"TALK_OIDC_ISSUER": "https://a.example", "TALK_OIDC_AUDIENCE": "t", "TALK_OIDC_ALGORITHMS": "none"},
    ],
)
def test_settings_that_would_let_anyone_in_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="OIDC"):
        build_deps(read({"TALK_AUTH_MODE": "oidc", **environ}))
