"""Where does everything happen: the vendors and readers of one seed, and what can be seen of the vendors."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl import __version__
from opsctl.experiments.simulator.readers import Readers, make_readers
from opsctl.experiments.simulator.vendors import Observables, Vendors, make_vendors, observe
from opsctl.experiments.simulator.world_book import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One simulated marketplace; `seed` made it, and makes all chance in it unless a run says otherwise."""

    world: World
    seed: int
    vendors: Vendors
    readers: Readers
    observables: Observables

    @property
    def label(self) -> Mapping[str, str]:
        """Return what all that comes out of it is labelled with, so that nobody takes it for real."""
        return {
            "simulated": "true",
            "seed": str(self.seed),
            "world": self.world.digest,
            "version": __version__,
        }


def make_market(world: World, *, seed: int) -> Market:
    """Return the marketplace of a seed."""
    vendors = make_vendors(world, seed=seed)
    return Market(
        world=world,
        seed=seed,
        vendors=vendors,
        readers=make_readers(world, vendors, seed=seed),
        observables=observe(vendors, world, seed=seed),
    )


def unit_id(user: int) -> str:
    """Return the id of a reader, as exposures and events name it."""
    return f"reader-{user:06d}"
