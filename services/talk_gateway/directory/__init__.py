"""Which agents there are, what they are called and where they answer.

Two directories: `static`, of agents named at start, and `kubernetes`, which watches a cluster.
"""

from __future__ import annotations

from talk_gateway.directory.agent import Agent, Agents, AgentVoice, Directory
from talk_gateway.directory.pods import Pods

__all__ = ["Agent", "AgentVoice", "Agents", "Directory", "Pods"]
