"""What a TalkAgent becomes."""

from __future__ import annotations

from talk_operator.render.effective import effective
from talk_operator.render.objects import render

__all__ = ["effective", "render"]
