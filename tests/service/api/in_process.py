"""A client that calls an application in its own process, without a server."""

import asyncio
from contextvars import copy_context
from typing import Any

import httpx


class InProcessClient:
    """Sends one request after another; the application sees the context of the caller."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._runner = asyncio.Runner()

    def request(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send one request."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._application, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.request(method, address, **options)

        return self._runner.run(send(), context=copy_context())

    def get(self, address: str, **options: Any) -> httpx.Response:
        """Read."""
        return self.request("GET", address, **options)

    def put(self, address: str, **options: Any) -> httpx.Response:
        """Write at an address."""
        return self.request("PUT", address, **options)

    def post(self, address: str, **options: Any) -> httpx.Response:
        """Hand in."""
        return self.request("POST", address, **options)

    def delete(self, address: str) -> httpx.Response:
        """Remove."""
        return self.request("DELETE", address)

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()
