"""Which arm does a unit get: deterministic and stateless, from hashes of its id, and why it gets none."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from opsctl.experiments.book import Experiment
from opsctl.experiments.points import (
    HOLDOUT_SALT,
    SPAN,
    arm_salt,
    bound_of,
    bound_of_fraction,
    edge_of,
    encoded,
    fraction_of,
    layer_salt,
    point_of,
    prefix_of,
    ramp_salt,
    refuse_unit,
)

_encode = str.encode


class Reason(StrEnum):
    """Why a unit gets no arm; the first that holds, in this order."""

    HELD_OUT = "held_out"
    """It is among those that no experiment with a holdout touches."""
    OUTSIDE_LAYER = "outside_layer"
    """It lies outside the experiment's part of a layer."""
    NOT_RAMPED = "not_ramped"
    """It is eligible, and the ramp does not reach it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A unit's place in an experiment, for people.

    Args:
        unit: its id.
        arm: what it gets.
        reason: why it gets nothing.
        layer: which layer it lies outside of, where that is the reason.
        points: where it lies, by salt, whether or not that decided anything.
    """

    unit: str
    arm: str | None
    reason: Reason | None
    layer: str | None
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """A range of points that lets units in, inclusive at its beginning."""

    salt: str
    start: int
    end: int
    reason: Reason
    layer: str | None = None

    def lets_in(self, point: int) -> bool:
        return self.start <= point < self.end

    @property
    def is_open(self) -> bool:
        return self.start == 0 and self.end >= SPAN


class Assigner:
    """Gives the units of one experiment their arms; made once, asked often.

    Holdout, layers, ramp and arm have salts of their own, so they are independent of each other, and of other
    experiments, apart from the layers and the holdout that those share. Raising the ramp lets more units in and
    moves nobody.

    Args:
        experiment: its book; `ramp` is the one that holds now.
        name: the name of the book, which is part of the salts.
    """

    def __init__(self, experiment: Experiment, *, name: str) -> None:
        self.experiment = experiment
        self.name = name
        self._gates = _gates(experiment, name)
        self._arm_salt = arm_salt(name)
        self._arms, self._bounds = _arms(experiment)
        # What is below is all that a call touches. A gate that lets everybody in is not even hashed.
        self._closed = tuple(
            (prefix_of(gate.salt), edge_of(gate.start), edge_of(gate.end))
            for gate in self._gates
            if not gate.is_open
        )
        self._prefix = prefix_of(self._arm_salt)
        self._edges = [edge_of(bound) for bound in self._bounds]
        self._only = self._arms[0] if len(self._arms) == 1 else None

    def assign(self, unit: str) -> str | None:
        """Return the unit's arm; None where it is not in the experiment: `place` says why.

        Raises:
            UsageError: EXP030 it is no id of a unit.
        """
        try:
            text = _encode(unit)
        except (TypeError, UnicodeEncodeError):
            refuse_unit(unit)
        if not text:
            refuse_unit(unit)
        for prefix, start, end in self._closed:
            if not start <= sha256(prefix + text).digest() < end:
                return None
        if self._only is not None:
            return self._only
        return self._arms[bisect_right(self._edges, sha256(self._prefix + text).digest())]

    def place(self, unit: str) -> Placement:
        """Return the unit's arm, or why it has none, and where it lies for each salt.

        Raises:
            UsageError: EXP030 it is no id of a unit.
        """
        encoded(unit)
        points = {salt: point_of(unit, salt=salt) for salt in self.salts}
        refusing = next((gate for gate in self._gates if not gate.lets_in(points[gate.salt])), None)
        arm = None
        if refusing is None:
            arm = self._arms[bisect_right(self._bounds, points[self._arm_salt])]
        return Placement(
            unit=unit,
            arm=arm,
            reason=refusing.reason if refusing else None,
            layer=refusing.layer if refusing else None,
            points=points,
        )

    @property
    def salts(self) -> tuple[str, ...]:
        """Return the salts that decide, in the order in which they are asked."""
        return (*(gate.salt for gate in self._gates), self._arm_salt)


def _gates(experiment: Experiment, name: str) -> tuple[_Gate, ...]:
    holdout = _Gate(salt=HOLDOUT_SALT, start=bound_of(experiment.holdout), end=SPAN, reason=Reason.HELD_OUT)
    layers = (
        _Gate(
            salt=layer_salt(layer),
            start=bound_of(segment.start),
            end=bound_of(segment.end),
            reason=Reason.OUTSIDE_LAYER,
            layer=layer,
        )
        for layer, segment in experiment.layers.items()
    )
    ramp = _Gate(salt=ramp_salt(name), start=0, end=bound_of(experiment.ramp), reason=Reason.NOT_RAMPED)
    return (holdout, *layers, ramp)


def _arms(experiment: Experiment) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the arms that get units, in the order of the book, and where all but the last of them end.

    The last one takes what is left, so that weights such as three times 0.333333333 leave no gap.
    """
    weights = {arm: fraction_of(each.weight) for arm, each in experiment.arms.items() if each.weight > 0}
    names, bounds, end = tuple(weights), list[int](), Fraction(0)
    for name in names[:-1]:
        end += weights[name]
        bounds.append(bound_of_fraction(end))
    return names, tuple(bounds)
