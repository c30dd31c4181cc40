"""Which store does the book ask for?"""

from collections.abc import Mapping
from pathlib import Path

from opsctl.core.errors import NotReadyError
from opsctl.core.units import parse_bytes, parse_duration
from opsctl.metrics import service as metrics
from opsctl.service.cache.policy import KeyValueTier
from opsctl.service.cache.ports import KeyValueStore, StoreError
from opsctl.service.telemetry.meters import Meters

REDIS_PASSWORD = "OPSCTL_REDIS_PASSWORD"  # noqa: S105 - the name of the variable
CLOUDFLARE_TOKEN = "OPSCTL_CLOUDFLARE_TOKEN"  # noqa: S105 - the name of the variable


def open_store(
    policy: KeyValueTier, *, folder: Path, secrets: Mapping[str, str], meters: Meters | None = None
) -> KeyValueStore:
    """Return the store of the book.

    Args:
        policy: the part `l2` of the book.
        folder: where an LMDB file is kept, such as `<home>/service/l2`; one process opens it once.
        secrets: the environment, of which `OPSCTL_REDIS_PASSWORD` and `OPSCTL_CLOUDFLARE_TOKEN` are read.
        meters: counts evictions and files made anew.

    Raises:
        NotReadyError: CAC003 when the file cannot be opened, CAC004 when the token of Cloudflare is not set.
    """
    timeout_seconds = parse_duration(policy.timeout)
    match policy.backend:
        case "lmdb":
            return _open_lmdb(policy, folder=folder, meters=meters)
        case "redis":
            from opsctl.service.cache.stores.redis import RedisStore

            return RedisStore(
                policy.redis_url or "", password=secrets.get(REDIS_PASSWORD), timeout_seconds=timeout_seconds
            )
        case "cloudflare_kv":
            from opsctl.service.cache.stores.cloudflare import CloudflareStore

            return CloudflareStore(
                policy.cloudflare_url,
                account=policy.cloudflare_account or "",
                namespace=policy.cloudflare_namespace or "",
                token=_token(secrets),
                timeout_seconds=timeout_seconds,
            )


def _open_lmdb(policy: KeyValueTier, *, folder: Path, meters: Meters | None) -> KeyValueStore:
    from opsctl.service.cache.stores.lmdb import LmdbStore

    def evicted(kind: str, count: int) -> None:
        if meters is not None:
            meters.count(metrics.CACHE_EVICTIONS, "l2", kind, by=count)

    def rebuilt() -> None:
        if meters is not None:
            meters.count(metrics.CACHE_REBUILDS)

    try:
        return LmdbStore(folder, bytes_limit=parse_bytes(policy.memory), evicted=evicted, rebuilt=rebuilt)
    except StoreError as error:
        raise NotReadyError(
            "the cache file of L2 cannot be opened",
            code="CAC003",
            why=str(error),
            fix=f"look at its folder: ls -la {folder}; it may be removed while no service runs",
        ) from error


def _token(secrets: Mapping[str, str]) -> str:
    token = secrets.get(CLOUDFLARE_TOKEN)
    if not token:
        raise NotReadyError(
            f"`{CLOUDFLARE_TOKEN}` is not set, but the book asks for Cloudflare KV",
            code="CAC004",
            fix="set it to an API token that may read and write Workers KV",
        )
    return token
