"""What became of a request, for a scenario to look at and for the recorder to count."""

import json
from typing import Any, NamedTuple

from opsctl.bench.load.tally import Outcome


class Answer(NamedTuple):
    """An answer, or why there is none.

    Args:
        head: what came before the empty line; `lower` is the same in lower case, each line with its end.
        body: without its framing.
    """

    outcome: Outcome
    reason: str = ""
    status: int = 0
    head: bytes = b""
    lower: bytes = b""
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """Tell whether a whole answer came and was found good."""
        return self.outcome is Outcome.OK

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)
