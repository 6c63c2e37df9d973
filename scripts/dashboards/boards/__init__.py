"""The dashboards, a module each."""

from __future__ import annotations

from scripts.dashboards.boards.agents import AGENTS
from scripts.dashboards.boards.http import HTTP
from scripts.dashboards.boards.operator import OPERATOR
from scripts.dashboards.boards.overview import OVERVIEW
from scripts.dashboards.boards.processes import PROCESSES
from scripts.dashboards.boards.providers import PROVIDERS
from scripts.dashboards.boards.sessions import SESSIONS
from scripts.dashboards.boards.voice import VOICE

BOARDS = (OVERVIEW, VOICE, AGENTS, PROVIDERS, HTTP, SESSIONS, PROCESSES, OPERATOR)
