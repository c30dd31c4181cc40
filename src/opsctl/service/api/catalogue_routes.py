"""How is the catalogue read and written over HTTP: one item at its address."""

from typing import Annotated

from fastapi import Depends, FastAPI, Path, Response

from opsctl.service.api.encode import content_bytes
from opsctl.service.api.incoming import ContentBody
from opsctl.service.api.outgoing import ContentAnswer
from opsctl.service.api.ports import Contents
from opsctl.service.api.problem import NO_CONTENT_ITEM, ProblemError
from opsctl.service.api.requests import described_body, json_body
from opsctl.service.api.schema import DecimalNumber, Id

ContentId = Annotated[Id, DecimalNumber, Path(description="The item.", examples=[7])]


def add_content_routes(api: FastAPI, *, contents: Contents) -> None:
    """Add `/v1/content/{content_id}`."""

    @api.get(
        "/v1/content/{content_id}",
        operation_id="getContent",
        tags=["content"],
        responses={200: {"model": ContentAnswer}},
    )
    async def get_content(content_id: ContentId) -> Response:
        """Return an item as it is stored."""
        found = await contents.read(content_id)
        if found is None:
            raise ProblemError(kind=NO_CONTENT_ITEM, detail="there is no item of this id")
        return Response(content_bytes(found), media_type="application/json")

    @api.put(
        "/v1/content/{content_id}",
        operation_id="putContent",
        tags=["content"],
        responses={200: {"model": ContentAnswer}, 201: {"model": ContentAnswer}},
        openapi_extra=described_body(ContentBody),
    )
    async def put_content(
        content_id: ContentId, body: Annotated[ContentBody, Depends(json_body(ContentBody))]
    ) -> Response:
        """Insert an item or replace it as a whole, and drop what the caches say of it.

        Feeds that hold the item are made anew; its vector follows within seconds.
        """
        stored, is_new = await contents.write(content_id, body.value())
        headers = {"Location": f"/v1/content/{content_id}"} if is_new else {}
        return Response(
            content_bytes(stored),
            status_code=201 if is_new else 200,
            media_type="application/json",
            headers=headers,
        )

    @api.delete(
        "/v1/content/{content_id}",
        operation_id="deleteContent",
        tags=["content"],
        status_code=204,
        response_class=Response,
    )
    async def delete_content(content_id: ContentId) -> Response:
        """Remove an item; users' histories stay, and no feed shows it any longer."""
        if not await contents.delete(content_id):
            raise ProblemError(kind=NO_CONTENT_ITEM, detail="there is no item of this id")
        return Response(status_code=204)
