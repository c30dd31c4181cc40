"""How do interactions come in: a batch at a time, each counted once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Response

from opsctl.service.api.encode import recorded_bytes
from opsctl.service.api.incoming import InteractionBatch, batch_of
from opsctl.service.api.outgoing import RecordedAnswer
from opsctl.service.api.ports import Interactions
from opsctl.service.api.problem import OUT_OF_WINDOW, FieldError, ProblemError
from opsctl.service.api.requests import described_body, json_body
from opsctl.service.book import ServiceBook
from opsctl.store.readers import NewInteraction

OLDEST: Final = timedelta(days=90)
"""What is older says little of the reader; imports are the way for history."""
FURTHEST_AHEAD: Final = timedelta(minutes=5)
"""Clocks of clients run ahead by so much."""


def add_interaction_routes(
    api: FastAPI, *, interactions: Interactions, book: ServiceBook, now: Callable[[], float]
) -> None:
    """Add `/v1/interactions`."""
    model = batch_of(book.limits.batch_interactions)

    @api.post(
        "/v1/interactions",
        operation_id="recordInteractions",
        tags=["interactions"],
        responses={200: {"model": RecordedAnswer}},
        openapi_extra=described_body(model),
    )
    async def record_interactions(
        batch: Annotated[InteractionBatch, Depends(json_body(model))],
    ) -> Response:
        """Record what users did, in one transaction.

        Each interaction has an idempotency key of its own: sent again, in this batch or in another, it counts once.
        """
        given = [each.value() for each in batch.interactions]
        _refuse_out_of_window(given, now=datetime.fromtimestamp(now(), UTC))
        return Response(recorded_bytes(await interactions.record(given)), media_type="application/json")


def _refuse_out_of_window(given: Sequence[NewInteraction], *, now: datetime) -> None:
    errors = [
        FieldError(
            pointer=f"/interactions/{number}/occurred_at",
            message=f"must be at most {OLDEST.days} days ago and at most {FURTHEST_AHEAD.seconds // 60} minutes ahead",
        )
        for number, each in enumerate(given)
        if not now - OLDEST <= each.occurred_at <= now + FURTHEST_AHEAD
    ]
    if errors:
        raise ProblemError(
            kind=OUT_OF_WINDOW, detail="an interaction lies outside the time that counts", errors=errors
        )
