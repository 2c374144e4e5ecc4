"""What was suggested in this session, and what became of it: counted in memory, and kept nowhere."""

from dataclasses import dataclass

from elman.lsp.open_document import BY_ONE_KEY


@dataclass(slots=True)
class Figures:
    """Counts since the start."""

    shown: int = 0
    accepted: int = 0
    characters_accepted: int = 0
    characters_typed: int = 0

    @property
    def keys_saved(self) -> int:
        """What was accepted needed a key each time, in place of one for each character."""
        return self.characters_accepted - self.accepted

    def note_inserted(self, characters: int) -> None:
        """An edit has inserted so many characters: more than a key types were pasted, or accepted."""
        if characters <= BY_ONE_KEY:
            self.characters_typed += characters

    def note_accepted(self, characters: int) -> None:
        """Somebody has accepted so many characters, which an edit inserts or has inserted."""
        self.accepted += 1
        self.characters_accepted += characters
        if characters <= BY_ONE_KEY:
            self.characters_typed -= characters
