"""What of a fault can be seen as long as it is there: its toxics, its burdens, the transaction that it holds open."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.cli.ground_helpers import BURDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsctl.cli.proving_ground import ProvingGround

TRANSACTION = "transaction"

_REFUSING = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What is there at one moment.

    Args:
        names: of everything that is there.
        hits: how often each toxic has hit something; those that cannot tell are left out.
    """

    names: frozenset[str]
    hits: "Mapping[str, int]"

    def hits_of(self, names: "Iterable[str]") -> int | None:
        """Return how often the toxics among these hit something; None where none of them can tell."""
        known = [self.hits[name] for name in names if name in self.hits]
        return sum(known) if known else None


def look_for_traces(ground: "ProvingGround") -> Traces:
    """Look at a ground once."""
    toxics = {f"toxic {name} on {line}": state for (line, name), state in ground.lines.toxics().items()}
    burdens = [name for name in ground.helpers.living() if name.startswith(BURDEN)]
    held = [TRANSACTION] if ground.still_holds() else []
    # A line that refuses everybody never hears of whom the kernel refuses: it knows only the connections that it cut.
    hits = {name: state.hits for name, state in toxics.items() if state.hits or state.toxic.kind != _REFUSING}
    return Traces(names=frozenset((*toxics, *burdens, *held)), hits=hits)
