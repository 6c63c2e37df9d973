"""The turn that every row plays: fixed delays, one reply, and the least time that they allow.

Standard library only: the other frameworks' drivers import this in environments of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate

ASR_SECONDS = 0.300
"""From the end of the recording's upload to the transcript."""
LLM_FIRST_SECONDS = 0.200
LLM_TOKEN_SECONDS = 0.025
TTS_FIRST_SECONDS = 0.150
"""From the request to its first piece of sound."""
TTS_PIECE_SECONDS = 0.2
TTS_SPEED = 4.0
"""Sound is made so many times faster than it plays: a piece of 200 ms each 50 ms."""
CHARACTER_SECONDS = 0.06
"""Length of the sound of one character of text."""
SPEECH_RATE = 24_000
"""Samples a second of the fake TTS: s16le, mono."""
SAMPLE_BYTES = 2

QUESTION = "plan a trip to mysore for three days"
SENTENCES = (
    "Mysore is a lovely city for a three day trip with family.",
    "On day one visit the palace and the flower market nearby.",
    "On day two climb Chamundi hill and see the old temple there.",
    "On day three relax at the zoo and the lake before leaving.",
)
REPLY = " ".join(SENTENCES)

MERGE_SECONDS = 0.05
"""How long the agent gathers tokens: `merged_times`."""
SLACK_BYTES = int(0.6 * SPEECH_RATE) * SAMPLE_BYTES
"""Sound that may be missing from a whole reply: resamplers and frames of fixed length hold back an end."""
TURN_SECONDS = 60.0
"""A turn that takes longer counts as failed."""


def tokens() -> list[str]:
    """The reply as the fake LLM streams it: a word and the space after it."""
    words = REPLY.split()
    return [f"{word} " for word in words[:-1]] + words[-1:]


def token_times() -> Iterator[tuple[float, str]]:
    """Each token with its seconds after the request."""
    for index, token in enumerate(tokens()):
        yield LLM_FIRST_SECONDS + index * LLM_TOKEN_SECONDS, token


def merged_times() -> list[tuple[float, str]]:
    """The tokens as the agent passes them on: gathered, but for the first, a sentence's last, and the one after that.

    A gathering leaves MERGE_SECONDS after it began.
    """
    merged: list[tuple[float, str]] = []
    gathered, leaves, passes = "", math.inf, True
    for at, token in token_times():
        if at > leaves:
            merged.append((leaves, gathered))
            gathered, leaves = "", math.inf
        gathered += token
        leaves = min(leaves, at + MERGE_SECONDS)
        stops = token.rstrip().endswith(".")
        if passes or stops:
            merged.append((at, gathered))
            gathered, leaves = "", math.inf
        passes = stops
    return merged


def speech_bytes(text: str) -> int:
    """How much sound the fake TTS makes of a text."""
    return int(len(text) * CHARACTER_SECONDS * SPEECH_RATE) * SAMPLE_BYTES


LEAST_REPLY_BYTES = sum(map(speech_bytes, SENTENCES)) - SLACK_BYTES
"""A reply with less sound than this was cut short."""


def first_sentence_tokens() -> int:
    """Tokens that the LLM has sent when its first sentence is complete. It has no comma, so no clause leaves before."""
    ends = (at for at, text in enumerate(accumulate(tokens()), start=1) if text.rstrip() == SENTENCES[0])
    return next(ends)


def floor_seconds() -> float:
    """The least time to first audio: all that waits for something else, and nothing for the software between.

    ASR, the LLM's first token, the other tokens of the first sentence, the TTS: 0.300 + 0.200 + 11 x 0.025 + 0.150.
    """
    following = first_sentence_tokens() - 1
    return ASR_SECONDS + LLM_FIRST_SECONDS + following * LLM_TOKEN_SECONDS + TTS_FIRST_SECONDS
