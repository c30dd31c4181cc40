"""Where does a unit lie: a point of 64 bits for each salt, from SHA-256, the same in every language and for ever."""

import math
import unicodedata
from fractions import Fraction
from hashlib import sha256
from typing import NoReturn

from opsctl.core.errors import UsageError

SPAN = 1 << 64
"""Points are whole numbers from 0 to below this."""
HOLDOUT_SALT = "holdout"
"""The same for all experiments, so that they all spare the same units."""

_BEYOND = b"\xff" * 33
"""Above every digest: the edge of a share of 1."""
_SHOWN = 40


def layer_salt(layer: str) -> str:
    """Return the salt that says where in a layer units lie, for all experiments in it."""
    return f"layer:{layer}"


def ramp_salt(experiment: str) -> str:
    """Return the salt that says which units a ramp lets in first."""
    return f"ramp:{experiment}"


def arm_salt(experiment: str) -> str:
    """Return the salt that says which arm of an experiment a unit gets."""
    return f"arm:{experiment}"


def prefix_of(salt: str) -> bytes:
    """Return what is hashed before the unit: the salt in Unicode's form NFC, and a separator that no salt holds."""
    return f"{unicodedata.normalize('NFC', salt)}\x1f".encode()


def point_of(unit: str, *, salt: str) -> int:
    """Return the first eight bytes of SHA-256 of salt, 0x1F and unit, most significant first.

    Units are opaque: `e` with an accent in one character and in two are two units, as they are two keys elsewhere.

    >>> point_of("42", salt="arm:four_or_six_agents")
    14535158826917181930

    Raises:
        UsageError: EXP030 it is no id of a unit.
    """
    return int.from_bytes(sha256(prefix_of(salt) + encoded(unit)).digest()[:8])


def bound_of(share: float) -> int:
    """Return the point at which a share ends: points below it lie inside.

    The share counts as the decimal number that stands in the book, so no language's floats decide about an edge.

    >>> bound_of(0.5) == 2**63
    True
    >>> bound_of(0.1)
    1844674407370955162
    """
    return bound_of_fraction(fraction_of(share))


def fraction_of(share: float) -> Fraction:
    """Return a share as it is written: 0.1 is one tenth, not the float beside it."""
    return Fraction(repr(float(share)))


def bound_of_fraction(share: Fraction) -> int:
    """Return the point at which a share ends; what is beyond 1 ends at 1."""
    return min(SPAN, max(0, math.ceil(share * SPAN)))


def edge_of(bound: int) -> bytes:
    """Return a bound as bytes, so that a whole digest lies below them exactly where its point lies below the bound.

    Bytes are compared like words of a dictionary: the first eight decide, and a digest that begins with the edge's
    own bytes is longer, hence not below.
    """
    return _BEYOND if bound >= SPAN else bound.to_bytes(8)


def encoded(unit: str) -> bytes:
    """Return a unit as UTF-8.

    Raises:
        UsageError: EXP030 it is empty, no text, or holds half a character.
    """
    try:
        text = str.encode(unit)
    except (TypeError, UnicodeEncodeError):
        text = b""
    if not text:
        refuse_unit(unit)
    return text


def refuse_unit(unit: object) -> NoReturn:
    """Say why something is no id of a unit.

    Raises:
        UsageError: EXP030 always.
    """
    if not isinstance(unit, str):
        what = f"{type(unit).__name__} `{ascii(unit)[:_SHOWN]}` is no id of a unit"
        fix = "give it as text, the same text everywhere: str(id)"
    elif not unit:
        what, fix = "an empty id is no unit", "leave out whoever has no id: all of them would share one arm"
    else:
        what = f"`{ascii(unit)[1:_SHOWN]}` is no id of a unit: it holds half a character"
        fix = "decode what it was read from as UTF-8"
    raise UsageError(what, code="EXP030", fix=fix)
