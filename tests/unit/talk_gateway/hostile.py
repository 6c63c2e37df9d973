"""Names that are meant for another agent or route than they say. Those of an agent's own spellings are none of them."""

from __future__ import annotations

# As they stand in a path, already encoded.
IN_PATHS = (
    "..", ".", "%2e%2e", "%2E%2E%2F", "..%2f", "%2e%2e%2fchat", "assistant%2f..%2fviva-examiner", "assistant/..",
    "../../health", "..%2f..%2fhealth", "%252e%252e%252f", "assistant%00", "%00", "assistant%00viva-examiner",
    "assistant.", "assistant%2e", ".assistant", "Assistant", "ASSISTANT", "assistant%5c..%5cviva-examiner",
    "assistant;viva-examiner", "assistant%3fx=1", "assistant%23", "assistant@169.254.169.254", "assistant:8081",
    "%ef%bd%81ssistant", "ass%c4%b1stant", "%d0%b0ssistant", "assistant%e2%80%8b", "assistant%c2%ad",
    "%e2%80%aeassistant", "assistant%cc%81", "assistant%ff", "%c0%ae%c0%ae", "assistant%0d%0aX-A: b", "*", "%25",
    "http:%2f%2f169.254.169.254%2f", "assistant.default", "assistant.kube-system", "a" * 300,
)  # fmt: skip
# As they stand in `agent_name`.
IN_BODIES = (
    "..", "../viva-examiner", "assistant/../viva-examiner", "assistant\x00", "assistant.", "Assistant", "ASSISTANT",
    "ａssistant", "assıstant", "аssistant", "assistant\u200b", "assis\u00adtant", "\u202eassistant", "assistant\u0301",
    "assistant%2f..", "%61ssistant", "assistant@169.254.169.254", "assistant:8081", "assistant?x=1", "assistant#",
    "assistant\r\nX-A: b", "http://169.254.169.254/", "assistant.kube-system", "*", "a" * 3000,
)  # fmt: skip
