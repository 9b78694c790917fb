"""Notes: what a user should know, and apart from it what the command line can do about it."""

from __future__ import annotations

from typing import Self


class Note(str):
    """A sentence for the user; as text it ends with the option of the command line that belongs to it.

    Attributes:
        plain: the sentence, for pages that have no such option.
        option: what the option does, such as "--sky keep takes it as the network sees it".
    """

    __slots__ = ("option", "plain")

    plain: str
    option: str

    def __new__(cls, plain: str, option: str) -> Self:
        """Join both.

        >>> Note("half of it is sky", "--sky keep takes it along")
        'half of it is sky (--sky keep takes it along)'
        """
        note = super().__new__(cls, f"{plain} ({option})")
        note.plain, note.option = plain, option
        return note

    def __reduce__(self) -> tuple[type[Note], tuple[str, str]]:
        return Note, (self.plain, self.option)  # it travels between processes


def plain(note: str) -> str:
    """A note without options of the command line."""
    return note.plain if isinstance(note, Note) else note
