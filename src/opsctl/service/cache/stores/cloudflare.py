"""How does L2 live in Cloudflare KV, by its REST API: shared by machines far apart, and only in the end consistent."""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from opsctl.service.cache.ports import StoreError, StoreFigures

# Limits of the API, https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/
_GET_AT_ONCE = 100
_PUT_AT_ONCE = 10_000
_PUT_BYTES_AT_ONCE = 100_000_000
_DELETE_AT_ONCE = 10_000
_LISTED_AT_ONCE = 1000
_LEAST_TTL_SECONDS = 60


class CloudflareStore:
    """L2 in a namespace of Cloudflare KV.

    Values are written as Base64 text: the API's bulk read gives text only, and the `base64` flag of its bulk write
    would store the decoded bytes, which that read then refuses. An entry is kept for 60 s at least, and a write is
    seen elsewhere up to 60 s later; the seal of each entry says when it really ends.

    Args:
        url: address of the API.
        account: account id.
        namespace: id of the namespace.
        token: API token that may read and write KV.
        timeout_seconds: longest wait for an answer.
    """

    def __init__(self, url: str, *, account: str, namespace: str, token: str, timeout_seconds: float) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/accounts/{account}/storage/kv/namespaces/{namespace}/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_seconds,
        )

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values in the order of the keys, a hundred a call."""
        found: dict[str, bytes | None] = {}
        for some in _batches(tuple(dict.fromkeys(keys)), _GET_AT_ONCE):
            answer = await self._call("POST", "bulk/get", json={"keys": some, "type": "text"})
            found |= _values(answer)
        return [found.get(key) for key in keys]

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Write entries; the server forgets them by itself."""
        seconds = max(_LEAST_TTL_SECONDS, math.ceil(keep_seconds))
        pairs = [
            {"key": key, "value": base64.b64encode(value).decode(), "expiration_ttl": seconds}
            for key, value in entries.items()
        ]
        for some in _batches(pairs, _fitting(pairs)):
            answer = await self._call("PUT", "bulk", json=some)
            _refuse_partial(answer)

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries and return how many were asked for; the API does not say how many were there."""
        for some in _batches(tuple(keys), _DELETE_AT_ONCE):
            answer = await self._call("POST", "bulk/delete", json=some)
            _refuse_partial(answer)
        return len(keys)

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so; a key written a moment ago may not be listed yet."""
        keys: list[str] = []
        cursor = ""
        while True:
            asked = {"prefix": prefix, "limit": _LISTED_AT_ONCE} | ({"cursor": cursor} if cursor else {})
            answer = await self._call("GET", "keys", params=asked)
            keys += [each["name"] for each in answer.get("result") or ()]
            cursor = (answer.get("result_info") or {}).get("cursor") or ""
            if not cursor:
                return await self.delete_many(keys)

    async def figures(self) -> StoreFigures:
        """Return nothing known: counting would list every key, a thousand a call."""
        return StoreFigures(entries=None, bytes_used=None, bytes_limit=None)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            response = await self._client.request(method, path, **request)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise StoreError(f"Cloudflare KV: {type(error).__name__} {error}") from error
        if not response.is_success or not isinstance(answer, dict) or answer.get("success") is not True:
            errors = answer.get("errors") if isinstance(answer, dict) else None
            raise StoreError(f"Cloudflare KV: status {response.status_code}, errors {errors}")
        return answer


def _values(answer: dict[str, Any]) -> dict[str, bytes | None]:
    values = (answer.get("result") or {}).get("values") or {}
    # What is not Base64 was not written by us; empty bytes are no entry, so the caller drops it as damaged.
    return {key: None if value is None else _decoded(value) for key, value in values.items()}


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _fitting(pairs: Sequence[Mapping[str, Any]]) -> int:
    """Return how many pairs fit into one write whatever their order."""
    largest = max((len(pair["value"]) + len(pair["key"]) + 64 for pair in pairs), default=1)
    return max(1, min(_PUT_AT_ONCE, _PUT_BYTES_AT_ONCE // largest))


def _refuse_partial(answer: dict[str, Any]) -> None:
    """Raise when some keys were not done; older answers have no result at all."""
    failed = (answer.get("result") or {}).get("unsuccessful_keys") or ()
    if failed:
        raise StoreError(f"Cloudflare KV: {len(failed)} keys were not done")


def _batches(values: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(values[start : start + size]) for start in range(0, len(values), size)]
