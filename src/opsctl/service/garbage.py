"""How does the collector of garbage not stop a worker for half a second: what is cached is kept out of its rounds."""

import gc

# A full round walks all that lives: 400,000 objects, which is what ten thousand cached feeds are, took 0.4 s, in which
# nobody is answered. Frozen objects are not walked; they are freed all the same once nothing refers to them.
TIDY_SECONDS = 30.0

_ROUNDS_TO_A_WHOLE_ONE = 120
"""An hour of them; then cycles among what was frozen are looked for too, with that pause."""

_YOUNG_OBJECTS = 5_000


class Tidy:
    """Looks for garbage among what is young, and freezes the rest; begun when the worker is put together."""

    def __init__(self) -> None:
        self._rounds = 0
        gc.set_threshold(_YOUNG_OBJECTS, 20, 1_000)
        gc.collect()
        gc.freeze()

    def __call__(self) -> None:
        """Do one round."""
        self._rounds += 1
        if self._rounds % _ROUNDS_TO_A_WHOLE_ONE == 0:
            gc.unfreeze()
            gc.collect()
        else:
            gc.collect(1)
        gc.freeze()
