"""The usual stack for a cached feed, for comparison: FastAPI on uvicorn with cachetools, slowapi and instrumentator.

Written as its libraries' guides say: a TTL cache, a rate limit a user, an API key, metrics. `FEED_FILE` names the
feed that it returns; `/stored` sends stored bytes (the best this stack can do), `/v1/feed` returns the cached object.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

from cachetools import TTLCache
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_fastapi_instrumentator import Instrumentator
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded

_FEED = Path(os.environ["FEED_FILE"]).read_bytes()
_KEYS = {hashlib.sha256(os.environ["FEED_KEY"].encode()).hexdigest(): "bench"}
_objects: TTLCache[int, Any] = TTLCache(maxsize=10_000, ttl=300)
_stored: TTLCache[int, bytes] = TTLCache(maxsize=10_000, ttl=300)

limiter = Limiter(key_func=lambda request: request.path_params["user_id"], headers_enabled=True)
app = FastAPI()
app.state.limiter = limiter
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)  # type: ignore[arg-type]  # as its guide says
Instrumentator().instrument(app).expose(app)


def check_key(authorization: Annotated[str, Header()] = "") -> str:
    """Return the plan of the key."""
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    if digest not in _KEYS:
        raise HTTPException(401)
    return _KEYS[digest]


@app.get("/v1/feed/{user_id}")
@limiter.limit("100000000/hour")
async def feed(
    request: Request,
    response: Response,
    user_id: int,
    plan: Annotated[str, Depends(check_key)],
    limit: int = 20,
) -> Any:
    """Return the cached object, which FastAPI turns into JSON each time."""
    found = _objects.get(user_id)
    response.headers["X-Cache"] = "HIT" if found is not None else "MISS"
    if found is None:
        found = _objects[user_id] = json.loads(_FEED)
    return found


@app.get("/stored/{user_id}")
@limiter.limit("100000000/hour")
async def stored(
    request: Request,
    response: Response,
    user_id: int,
    plan: Annotated[str, Depends(check_key)],
    limit: int = 20,
) -> Response:
    """Return stored bytes."""
    found = _stored.get(user_id)
    if found is None:
        found = _stored[user_id] = _FEED
    return Response(found, media_type="application/json", headers={"X-Cache": "HIT"})
