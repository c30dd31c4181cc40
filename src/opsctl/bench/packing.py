"""How do many numbers go into a text file of moderate size: compressed, as base64."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def pack(samples: "np.ndarray") -> dict[str, Any]:
    """Return samples as compressed text: 64-bit nanoseconds, zlib, base64."""
    raw = samples.astype("<i8").tobytes()
    text = base64.b64encode(zlib.compress(raw, level=6)).decode()
    return {"rows": int(samples.shape[0]), "columns": int(samples.shape[1]), "zlib_base64_i8": text}


def unpack(packed: Mapping[str, Any]) -> "np.ndarray":
    """Return the samples again.

    Raises:
        ValueError: when the text does not hold that many numbers.
    """
    import numpy as np

    raw = zlib.decompress(base64.b64decode(packed["zlib_base64_i8"]))
    return np.frombuffer(raw, dtype="<i8").reshape(packed["rows"], packed["columns"])


def pack_json(value: Any) -> str:
    """Return a plain value as compressed JSON."""
    text = json.dumps(value, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), level=6)).decode()


def unpack_json(packed: str) -> Any:
    """Return the value again.

    Raises:
        ValueError: when the text is not compressed JSON; `zlib.error` when it was cut.
    """
    return json.loads(zlib.decompress(base64.b64decode(packed)))
