"""What of a turn goes into history. Pure: events in, events out.

History always alternates: a question, then what the agent said to it. A turn that ended before its first word
leaves nothing; one that was cut leaves the question and what was said until then, and no half tool call.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.adk.events.event import Event
from google.genai import types


def completed(events: Sequence[Event]) -> tuple[Event, ...]:
    """The events of a turn that ended well: those with content. Bookkeeping of ADK's is left out."""
    return tuple(event for event in events if event.content and event.content.parts)


def cut(events: Sequence[Event], unfinished: str, author: str) -> tuple[Event, ...]:
    """The events of a turn that was cut while the model had said `unfinished` of its latest message."""
    kept = list(completed(events))
    if unfinished.strip():
        kept.append(_said(unfinished, author, kept))
        return tuple(kept)
    while kept and not _is_speech(kept[-1]):
        last = kept.pop()
        text = _text(last) if last.author == author else ""
        if text.strip() and not last.get_function_responses():
            kept.append(_said(text, author, [last]))
    return tuple(kept)


def _is_speech(event: Event) -> bool:
    calls = event.get_function_calls() or event.get_function_responses()
    return event.author != "user" and not calls and bool(_text(event).strip())


def _text(event: Event) -> str:
    parts = (event.content.parts if event.content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _said(text: str, author: str, before: Sequence[Event]) -> Event:
    invocation_id = before[-1].invocation_id if before else ""
    content = types.Content(role="model", parts=[types.Part(text=text)])
    return Event(invocation_id=invocation_id, author=author, content=content)
