"""How much of a text was heard."""

from __future__ import annotations

import re


def words(text: str) -> list[str]:
    """Lower case, without punctuation."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def word_errors(said: str, heard: str) -> int:
    """Words to insert, delete or replace (Levenshtein) to turn one text into the other."""
    reference, hypothesis = words(said), words(heard)
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, got in enumerate(hypothesis, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (expected != got))
    return row[-1]


def word_error_rate(said: list[str], heard: list[str]) -> float:
    """Errors over all sentences, by the number of words that were said."""
    errors = sum(word_errors(a, b) for a, b in zip(said, heard, strict=True))
    return errors / sum(len(words(text)) for text in said)
