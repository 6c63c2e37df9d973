"""The TalkAgent resource: its schema, its files, and the dataclasses that the services use.

`read_agents` and `read_agent` are what services call; `check` is for showing every problem of some files.
"""

from __future__ import annotations

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.load import Loaded, load_documents, load_text
from talk_kit.talkagent.problem import InvalidFiles, Problem, errors
from talk_kit.talkagent.read import Agents, check, read_agent, read_agents
from talk_kit.talkagent.references import KeyRef, MissingReference, References
from talk_kit.talkagent.schema import API_VERSION, KIND, schema
from talk_kit.talkagent.secret import Secret
from talk_kit.talkagent.spec import (
    AgentDefaults,
    LimitsSpec,
    ModelSpec,
    SessionSpec,
    Spec,
    SpeechChoice,
    TalkAgent,
    ToolSpec,
    VoiceSpec,
    talk_agent,
)

__all__ = [
    "API_VERSION",
    "KIND",
    "AgentDefaults",
    "Agents",
    "Document",
    "InvalidFiles",
    "KeyRef",
    "LimitsSpec",
    "Loaded",
    "MissingReference",
    "ModelSpec",
    "Problem",
    "References",
    "Secret",
    "SessionSpec",
    "Spec",
    "SpeechChoice",
    "TalkAgent",
    "ToolSpec",
    "VoiceSpec",
    "check",
    "errors",
    "load_documents",
    "load_text",
    "read_agent",
    "read_agents",
    "schema",
    "talk_agent",
]
