"""What does L2 say of itself to a command that only looks?"""

from collections.abc import Callable

from opsctl.core.errors import NotReadyError
from opsctl.service.cache.ports import KeyValueStore, StoreError, StoreFigures


async def read_store_figures(open_store: Callable[[], KeyValueStore | None]) -> StoreFigures | None:
    """Return the figures of L2; None where there is none.

    Raises:
        NotReadyError: CAC005 when it does not answer.
    """
    store = open_store()
    if store is None:
        return None
    try:
        return await store.figures()
    except StoreError as error:
        raise NotReadyError(
            "L2 does not answer",
            code="CAC005",
            why=str(error),
            fix="look after the server: opsctl cache policy",
        ) from error
    finally:
        await store.close()
