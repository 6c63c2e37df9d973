"""Makes us_english.xz from misaki's wheel: `python -m talk_local.lexicon.build misaki-0.9.4-py3-none-any.whl`.

Get the wheel with `pip download --no-deps --python-version 3.12 misaki==0.9.4`. Only its two JSON files are read;
its code, which wants a parser of English and Python before 3.13, is not used. The same wheel gives the same bytes.
"""

from __future__ import annotations

import json
import lzma
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

SOURCES = ("misaki/data/us_silver.json", "misaki/data/us_gold.json")  # the later one wins
TARGET = Path(__file__).with_name("us_english.xz")

Entry = str | Mapping[str, str | None]


def main(wheel: str) -> None:
    entries: dict[str, Entry] = {}
    with zipfile.ZipFile(wheel) as archive:
        for source in SOURCES:
            entries.update(json.loads(archive.read(source)))
    TARGET.write_bytes(packed(entries))


def packed(entries: Mapping[str, Entry]) -> bytes:
    """Words and their sounds as two columns, one after the other: a tenth smaller than line by line."""
    kept = {word: sound for word in sorted(entries) if (sound := readings(word, entries))}
    text = "\n".join(kept) + "\0" + "\n".join(kept.values())
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def readings(word: str, entries: Mapping[str, Entry]) -> str:
    """`default` or `default<TAB>verb`; empty for an entry that says nothing new."""
    entry, lower = entries[word], word.lower()
    if word != lower and entries.get(lower) == entry:
        return ""
    if isinstance(entry, str):
        return entry
    if word.isupper() and "NOUN" in entry and entry["NOUN"] is None:
        return ""  # an acronym where it is a noun: read by its letters, or as the word in small letters
    default, verb = entry.get("DEFAULT") or "", entry.get("VERB") or ""
    return f"{default}\t{verb}" if verb and verb != default else default


if __name__ == "__main__":
    main(sys.argv[1])
