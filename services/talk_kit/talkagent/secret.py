"""A secret that does not show itself."""

from __future__ import annotations


class Secret:
    """A text that `repr`, `str`, formatting, pickling and comparison of logs never show.

    White space around it is cut (a key from a file ends in a line feed). Raises ValueError, without the text, when
    nothing is left or a control character is within: such a header would be refused by every HTTP client.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        stripped = text.strip()
        if not stripped:
            raise ValueError("the secret is empty")
        if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in stripped):
            raise ValueError("the secret has a control character within")
        self._text = stripped

    def reveal(self) -> str:
        """The text, for the header or the environment that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
