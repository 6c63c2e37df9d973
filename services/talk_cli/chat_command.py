"""`talk chat`: a conversation in the terminal, streamed from the gateway."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson

from talk_cli.printable import printable
from talk_cli.settings import Settings
from talk_kit.errors import InvalidRequest, TalkError
from talk_kit.events import ReplyDelta, ToolStarted, TurnCompleted, TurnEvent, TurnFailed, from_wire
from talk_kit.names import canonical_agent_name, check_session_id, new_id
from talk_kit.settings import SettingsError, http_url, load
from talk_kit.sse import EventReader

# The gateway sends a comment every 15 s, so a longer silence is a dead connection.
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class ChatFailed(Exception):
    """A turn that did not end well; the message is for people."""


def main(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """0 when the last turn was answered."""
    try:
        key = _key(arguments, environ)
        url = http_url(arguments.url)
        session = check_session_id(arguments.session) if arguments.session else new_id()
    except (ValueError, InvalidRequest, SettingsError, OSError) as error:
        print(f"talk chat: {error}", file=sys.stderr)
        return 2
    # No proxy reaches this machine's own gateway, whatever HTTP_PROXY says.
    loopback = httpx.URL(url).host in ("localhost", "127.0.0.1", "::1")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=not loopback, headers=headers) as client:
        chat = Chat(client, canonical_agent_name(arguments.agent), session)
        if arguments.message is not None:
            text = sys.stdin.read() if arguments.message == "-" else arguments.message
            return chat.say(text)
        return chat.converse()


def _key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """The API key, from a file rather than an argument: others on this machine see arguments."""
    if arguments.key_file is None:
        key = load(Settings, environ).chat_api_key or ""
    else:
        key = Path(arguments.key_file).read_text("utf-8").strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key has characters that no header can carry")
    return key


class Chat:
    """One conversation with one agent."""

    def __init__(self, client: httpx.Client, agent: str, session: str) -> None:
        self._client = client
        self._agent = agent
        self._session = session

    def converse(self) -> int:
        """Reads lines until the end of input. Ctrl-C cuts an answer; at the prompt it ends."""
        _edit_lines()
        print(f"Talking to {self._agent}. Ctrl-C cuts an answer, Ctrl-D ends.", file=sys.stderr)
        code, prompt = 0, "> " if sys.stdin.isatty() else ""
        while True:
            try:
                text = input(prompt)
            except (EOFError, KeyboardInterrupt):
                print(f"\nGo on with: talk chat {self._agent} --session {self._session}", file=sys.stderr)
                return code
            if text.strip():
                code = self.say(text)

    def say(self, text: str) -> int:
        """One turn, printed as it comes."""
        try:
            for event in self._turn(text):
                _show(event)
        except KeyboardInterrupt:
            print("\n(cut)", file=sys.stderr)
            return 130
        except ChatFailed as error:
            print(f"talk chat: {error}", file=sys.stderr)
            return 1
        return 0

    def _turn(self, text: str) -> Iterator[TurnEvent]:
        try:
            with self._client.stream(
                "POST",
                f"/v1/agents/{_quoted(self._agent)}/chat",
                json={"session_id": self._session, "message": text},
                headers={"Accept": "text/event-stream", "X-Session-ID": self._session},
            ) as response:
                if not response.is_success:
                    raise ChatFailed(_refusal(response))
                yield from _events(response)
        except httpx.ConnectError:
            raise ChatFailed(f"nothing answers at {self._client.base_url}; is `talk run` running?") from None
        except httpx.TimeoutException:
            raise ChatFailed("the gateway is silent; please try again") from None
        except httpx.HTTPError as error:
            raise ChatFailed(f"the connection broke ({type(error).__name__}); please try again") from None


def _events(response: httpx.Response) -> Iterator[TurnEvent]:
    """The events up to the end of the turn. An answer that breaks off before it is a failure."""
    reader = EventReader()
    try:
        for chunk in response.iter_bytes():
            for raw in reader.feed(chunk):
                event = from_wire(raw.event, orjson.loads(raw.data))
                if event is not None:
                    yield event
                if isinstance(event, TurnCompleted | TurnFailed):
                    return
    except (TalkError, orjson.JSONDecodeError, TypeError):
        raise ChatFailed("the answer cannot be read; is this Talk's gateway?") from None
    raise ChatFailed("the answer broke off; please try again")


def _show(event: TurnEvent) -> None:
    if isinstance(event, ReplyDelta):
        sys.stdout.write(printable(event.text))
        sys.stdout.flush()
    elif isinstance(event, ToolStarted):
        print(f"\n({printable(event.name)} ...)", file=sys.stderr)
    elif isinstance(event, TurnCompleted):
        print("" if event.finish_reason == "stop" else f"\n(ended: {event.finish_reason})")
    elif isinstance(event, TurnFailed):
        print()
        again = "; please try again" if event.retryable else ""
        raise ChatFailed(f"{printable(event.detail)} ({event.code}{again})")


def _refusal(response: httpx.Response) -> str:
    """What a problem document says, in one line."""
    response.read()
    try:
        problem: Any = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "detail" not in problem:
        return f"HTTP {response.status_code}, and no word of Talk's gateway; is {response.url.netloc.decode()} it?"
    wait = response.headers.get("retry-after")
    again = f"; try again in {wait} s" if wait else ""
    return f"{printable(str(problem['detail']))} ({problem.get('code')}{again}; request {problem.get('request_id')})"


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def _edit_lines() -> None:
    """Arrow keys and history, where Python has them."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
