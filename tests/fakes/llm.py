"""A fake OpenAI-compatible provider: raw asyncio, so that bodies are cut, stalled and reset at exact bytes.

    async with FakeLlm() as llm:
        llm.script(reply("Hello."), status(429, {"Retry-After": "7"}))   # first request, second request
        ... llm.url ...                                                  # http://127.0.0.1:PORT/v1
        assert llm.requests[0].json["model"] == "m"

Requests without a script get `llm.default`, a fixed reply. `GET /v1/models` lists one model; `llm.models` scripts
it. As a process: `python -m tests.fakes.llm PORT [HOST]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

FIXED_REPLY = "This is the fixed reply. It has two sentences."
EVENT_STREAM = {"Content-Type": "text/event-stream"}


@dataclass(frozen=True)
class Request:
    """One request as it came. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stream:
    """What a step may do to the connection of one request."""

    request: Request
    writer: asyncio.StreamWriter
    closed_early: asyncio.Event

    async def send(self, data: bytes) -> None:
        """One HTTP chunk, on the wire at once."""
        if data:
            self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
            await self.writer.drain()


Step = Callable[[Stream], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What one request gets: a head, then steps. An unfinished body is closed without its last chunk."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: dict(EVENT_STREAM))
    finished: bool = True
    silent: bool = False  # not even a head


# Steps


def piece(data: bytes | str) -> Step:
    """Sends bytes as one chunk of the body."""
    raw = data.encode() if isinstance(data, str) else data

    async def step(stream: Stream) -> None:
        await stream.send(raw)

    return step


def wait(gate: asyncio.Event) -> Step:
    """Waits until the test opens the gate."""

    async def step(stream: Stream) -> None:
        await gate.wait()

    return step


def pause(seconds: float) -> Step:
    """Waits by the clock: for benchmarks and demonstrations, not for tests."""

    async def step(stream: Stream) -> None:
        await asyncio.sleep(seconds)

    return step


def reached(gate: asyncio.Event) -> Step:
    """Tells the test that the answer has come to here."""

    async def step(stream: Stream) -> None:
        gate.set()

    return step


def stall() -> Step:
    """Sends nothing more and keeps the connection, until the client goes."""

    async def step(stream: Stream) -> None:
        await stream.closed_early.wait()

    return step


def reset() -> Step:
    """Cuts the connection off with a TCP reset."""

    async def step(stream: Stream) -> None:
        stream.writer.transport.abort()
        raise ConnectionResetError

    return step


# Chunks


def event(data: Any) -> bytes:
    """`data` as an event: bytes and strings as they are, anything else as JSON."""
    raw = data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    return b"data: " + raw + b"\n\n"


def chunk(delta: Mapping[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    """An event with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    )


def text(content: str) -> bytes:
    """An event with text."""
    return chunk({"content": content})


def call(name: str, arguments: str, *, id_: str | None = "call_1", index: int | None = 0) -> bytes:
    """An event with a fragment of a tool call."""
    fragment: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    fragment |= {"id": id_} if id_ is not None else {}
    fragment |= {"index": index} if index is not None else {}
    return chunk({"content": None, "tool_calls": [fragment]})


def usage(inputs: int = 12, outputs: int = 3) -> bytes:
    """An event with usage and no choices."""
    counts = {"prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": inputs + outputs}
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": counts})


ROLE = chunk({"role": "assistant", "content": ""})
DONE = event("[DONE]")


def end(finish: str = "stop") -> list[Step]:
    """The usual end: finish reason, usage, `[DONE]`."""
    return [piece(chunk({}, finish)), piece(usage()), piece(DONE)]


# Answers


def reply(content: str = FIXED_REPLY, *, finish: str = "stop") -> Answer:
    """A reply by words, at once."""
    words = [w + " " for w in content.split(" ")]
    words[-1] = words[-1][:-1]
    return streamed(ROLE, *map(text, words), *end(finish))


def completion(content: str = FIXED_REPLY, *, finish: str = "stop") -> Answer:
    """A reply that is not streamed: one JSON document."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    counts = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
    document = {**head, "choices": [choice], "usage": counts}
    return Answer([piece(json.dumps(document))], headers={"Content-Type": "application/json"})


def fixed(request: Request) -> Answer:
    """The fixed reply, streamed where that is asked for."""
    return reply() if request.json.get("stream") else completion()


def tool_call(name: str, arguments: str, **options: Any) -> Answer:
    """One tool call."""
    return streamed(ROLE, call(name, arguments, **options), *end("tool_calls"))


def streamed(*steps: bytes | Step, finished: bool = True) -> Answer:
    """An event stream of bytes and steps."""
    return Answer([piece(step) if isinstance(step, bytes) else step for step in steps], finished=finished)


def body(
    data: bytes, cuts: Iterable[int] = (), *, headers: Mapping[str, str] | None = None, status: int = 200
) -> Answer:
    """A raw body, sent in pieces that end at the byte offsets `cuts`."""
    offsets = [0, *cuts, len(data)]
    parts = [data[start:stop] for start, stop in pairwise(offsets)]
    return Answer([piece(part) for part in parts], status, dict(headers or EVENT_STREAM))


def status(code: int, headers: Mapping[str, str] | None = None, content: Any = None) -> Answer:
    """An error with OpenAI's body, or with `content`."""
    error = {"error": {"message": "upstream words with sk-secret", "type": "server_error", "code": code}}
    raw = content if isinstance(content, bytes) else json.dumps(error if content is None else content).encode()
    return Answer([piece(raw)], code, {"Content-Type": "application/json", **(headers or {})})


def silence() -> Answer:
    """Not even a head, until the client goes."""
    return Answer([stall()], silent=True)


def paced(tokens: int, *, first: float, each: float, word: str = "word ") -> Answer:
    """For benchmarks: `first` seconds to the first token, then one each `each` seconds, kept by the clock."""

    async def step(stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time() + first
        for number in range(tokens):
            await asyncio.sleep(max(0.0, begun + number * each - loop.time()))
            await stream.send(text(word))

    return streamed(ROLE, step, *end())


class FakeLlm:
    """The server. `script` queues answers; what is not scripted gets `default`."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.default: Answer | Callable[[Request], Answer] = fixed
        self.models: Answer = Answer(
            [piece(b'{"object":"list","data":[{"id":"m","object":"model"}]}')],
            headers={"Content-Type": "application/json"},
        )
        self.requests: list[Request] = []
        self.probes: list[Request] = []
        self.ports: set[int] = set()  # of the clients: one for each connection
        self.open_streams = 0
        self.closed_early = asyncio.Event()
        self.arrived = asyncio.Event()
        self._answers: list[Answer] = []
        self._port = port
        self._host = host
        self._connections: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._accept), self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Refuses connections from now on, and cuts those that are open."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self._host}:{self.port}/v1"

    def script(self, *answers: Answer) -> None:
        """Queues answers for the next chat completions."""
        self._answers += answers

    async def until_idle(self) -> None:
        """Returns when no answer is under way: clients that go are noticed by then."""
        await self._idle.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: asyncio.Event) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            async for request in _requests(reader):
                if not await self._answer(request, writer, left):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went, or the server stops: the end of this task either way
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter, left: asyncio.Event) -> bool:
        """Whether the connection can be used again."""
        answer = self._chosen(request)
        self.ports.add(writer.get_extra_info("peername")[1])
        stream = Stream(request, writer, asyncio.Event())
        self._count(1)
        sending = asyncio.create_task(_send(answer, stream), name="fake-llm-answer")
        leaving = asyncio.create_task(left.wait(), name="fake-llm-leaving")
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if left.is_set() and not (sending.done() and sending.exception() is None):
                stream.closed_early.set()
                self.closed_early.set()
                writer.transport.abort()
                return False
            sending.result()
            return answer.finished and not answer.silent
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            self._count(-1)

    def _count(self, change: int) -> None:
        self.open_streams += change
        (self._idle.clear if self.open_streams else self._idle.set)()

    def _chosen(self, request: Request) -> Answer:
        if request.method == "GET":
            self.probes.append(request)
            return self.models
        self.requests.append(request)
        self.arrived.set()
        if self._answers:
            return self._answers.pop(0)
        return self.default(request) if callable(self.default) else self.default


async def _send(answer: Answer, stream: Stream) -> None:
    if not answer.silent:
        head = {**answer.headers, "Transfer-Encoding": "chunked"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        stream.writer.write(f"HTTP/1.1 {answer.status} Answer\r\n{lines}\r\n".encode())
        await stream.writer.drain()
    for step in answer.steps:
        await step(stream)
    if answer.finished and not answer.silent:
        stream.writer.write(b"0\r\n\r\n")
        await stream.writer.drain()


class _Connection(asyncio.StreamReaderProtocol):
    """A connection that notices when its client goes, also while nothing is read from it."""

    def __init__(
        self, accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Awaitable[None]]
    ) -> None:
        self._left = asyncio.Event()
        super().__init__(asyncio.StreamReader(), lambda reader, writer: accept(reader, writer, self._left))

    def eof_received(self) -> bool | None:
        self._left.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._left.set()
        super().connection_lost(exc)


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[Request]:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        yield Request(method, path, headers, content)


async def _serve(port: int, host: str) -> None:
    async with FakeLlm(port, host) as llm:
        print(f"fake LLM on {llm.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        given = sys.argv[1:]
        asyncio.run(_serve(int(given[0]) if given else 18080, given[1] if len(given) > 1 else "127.0.0.1"))
