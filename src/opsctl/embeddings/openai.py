"""How is text embedded by a remote model: any endpoint that speaks OpenAI's `POST /embeddings`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.clock import Clock, SystemClock
from opsctl.core.errors import NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    import httpx

    from opsctl.embeddings.model import Matrix

_TEXTS_IN_A_REQUEST = 256
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_TIMEOUT_SECONDS = 60.0


class OpenAiEmbedder:
    """Asks an OpenAI-compatible endpoint, in batches, again after 429, 5xx and lost connections.

    Args:
        url: such as `https://api.example/v1`; `/embeddings` is added.
        model: the model's name at that endpoint.
        dimension: what the model answers with; anything else is refused.
        api_key: sent as a bearer token where given.
        transport: replaces the network, for tests.
        clock: sleeps between attempts.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        dimension: int,
        api_key: str | None = None,
        transport: "httpx.BaseTransport | None" = None,
        clock: Clock | None = None,
    ) -> None:
        import httpx

        self._url = f"{url.rstrip('/')}/embeddings"
        self._model = model
        self._dimension = dimension
        self._clock = clock or SystemClock()
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_SECONDS, transport=transport)

    @property
    def model_id(self) -> str:
        """Return the name of the model at the endpoint."""
        return self._model

    @property
    def dimension(self) -> int:
        """Return the length of each vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> "Matrix":
        """Return one row of length 1 for each text, in the order given.

        Raises:
            NotReadyError: EMB003 when the endpoint does not answer, or not with embeddings.
            UsageError: EMB002 wrong dimension, EMB004 key or request refused.
        """
        import numpy as np

        parts = [np.zeros((0, self._dimension), dtype=np.float32)]
        starts = range(0, len(texts), _TEXTS_IN_A_REQUEST)
        parts.extend(self._embed_batch(texts[start : start + _TEXTS_IN_A_REQUEST]) for start in starts)
        return np.concatenate(parts)

    def _embed_batch(self, texts: Sequence[str]) -> "Matrix":
        # Endpoints refuse an empty input; one space is the text that means nothing.
        answer = self._post({"model": self._model, "input": [text.strip() or " " for text in texts]})
        try:
            ordered = sorted(answer["data"], key=lambda row: int(row["index"]))
            rows = [row["embedding"] for row in ordered]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unreadable(f"{type(error).__name__}: {error}") from error
        if len(rows) != len(texts):
            raise self._unreadable(f"{len(texts)} texts were sent, {len(rows)} vectors came back")
        return self._checked(rows)

    def _checked(self, rows: list[list[float]]) -> "Matrix":
        import numpy as np

        wrong = next((len(row) for row in rows if len(row) != self._dimension), None)
        if wrong is not None:
            raise UsageError(
                f"`{self._model}` answers with {wrong} dimensions, `embedding.dimension` is {self._dimension}",
                code="EMB002",
                fix=f"set `embedding.dimension: {wrong}` in opsctl.yaml",
            )
        matrix = np.asarray(rows, dtype=np.float64)
        lengths = np.linalg.norm(matrix, axis=1)
        if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
            raise self._unreadable("a vector is zero or not finite")
        return np.asarray(matrix / lengths[:, None], dtype=np.float32)

    def _post(self, body: dict[str, Any]) -> Any:
        import httpx

        reason = ""
        for attempt in range(_ATTEMPTS):
            try:
                response = self._client.post(self._url, json=body)
            except httpx.TransportError as error:
                reason, pause_seconds = f"{type(error).__name__}: {error}", _pause_seconds(attempt, None)
            else:
                if response.is_success:
                    return self._parsed(response)
                if response.status_code != 429 and response.status_code < 500:
                    raise self._refused(response)
                reason = f"status {response.status_code}"
                pause_seconds = _pause_seconds(attempt, response.headers.get("retry-after"))
            if attempt + 1 < _ATTEMPTS:
                self._clock.sleep(pause_seconds)
        raise NotReadyError(
            f"`{self._url}` gave no embeddings in {_ATTEMPTS} attempts",
            code="EMB003",
            why=reason,
            fix="check `embedding.url`, or set `embedding.kind: hashing`",
        )

    def _parsed(self, response: "httpx.Response") -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise self._unreadable("it is not JSON") from error

    def _refused(self, response: "httpx.Response") -> OpsError:
        fix = (
            "set OPSCTL_EMBEDDING_API_KEY or `embedding.api_key_file`"
            if response.status_code in (401, 403)
            else "check `embedding.url` and `embedding.model`"
        )
        return UsageError(
            f"`{self._url}` refused the request with status {response.status_code}",
            code="EMB004",
            why=response.text[:300] or None,
            fix=fix,
        )

    def _unreadable(self, why: str) -> OpsError:
        return NotReadyError(
            f"`{self._url}` answered, but not with usable embeddings",
            code="EMB003",
            why=why,
            fix="check that the endpoint speaks OpenAI's embeddings API",
        )


def _pause_seconds(attempt: int, retry_after: str | None) -> float:
    """Return what the server asked for, else a pause that doubles; never longer than half a minute."""
    asked = float(retry_after) if retry_after and retry_after.strip().isdecimal() else None
    return min(_LONGEST_PAUSE_SECONDS, asked if asked is not None else _FIRST_PAUSE_SECONDS * 2**attempt)
