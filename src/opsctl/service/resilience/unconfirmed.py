"""Which items' vectors were read since the vector database was last found to tell the truth."""

from collections.abc import Iterable

# Where no sentinel looks, nothing is ever confirmed; the oldest are forgotten then.
_MOST = 100_000


class Unconfirmed:
    """Items whose vectors may be a lie; what was read before a look began is good once that look is."""

    def __init__(self) -> None:
        self._read_at: dict[int, int] = {}
        self._look = 0

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the items."""
        return tuple(self._read_at)

    def note(self, ids: Iterable[int]) -> None:
        """Note items whose vectors were read just now."""
        for item in ids:
            self._read_at.pop(item, None)
            self._read_at[item] = self._look
        while len(self._read_at) > _MOST:
            del self._read_at[next(iter(self._read_at))]

    def begin_look(self) -> None:
        """Begin to ask whether the database tells the truth."""
        self._look += 1

    def confirm(self) -> None:
        """Trust what was read before the look began; what came during it may be younger than the first lie."""
        self._read_at = {item: look for item, look in self._read_at.items() if look >= self._look}

    def forget(self, ids: Iterable[int]) -> None:
        """Forget items of which nothing is kept any more."""
        for item in ids:
            self._read_at.pop(item, None)
