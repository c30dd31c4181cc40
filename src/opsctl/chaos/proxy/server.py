"""How do several proxies and their control run in one process, until somebody says that it is over."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack

from opsctl.chaos.proxy.control import Control
from opsctl.chaos.proxy.listening import Proxy
from opsctl.chaos.proxy.plan import HOST, ServerPlan


class Running:
    """What runs, and on which ports."""

    def __init__(self, *, proxies: dict[str, Proxy], control_port: int) -> None:
        self._proxies = proxies
        self.control_url = f"http://{HOST}:{control_port}"

    def as_json(self) -> str:
        """Return the ports for whoever started the process."""
        ports = {name: proxy.port for name, proxy in self._proxies.items()}
        return json.dumps({"control_url": self.control_url, "ports": ports})


async def serve(plan: ServerPlan, *, over: asyncio.Event, on_ready: Callable[[Running], None]) -> None:
    """Run the proxies of a plan until `over` is set; all ports are taken once `on_ready` is called.

    Raises:
        OSError: a port is taken; nothing runs then.
    """
    loop = asyncio.get_running_loop()
    proxies = {each.name: Proxy(each, loop=loop) for each in plan.proxies}
    async with AsyncExitStack() as closing:
        for proxy in proxies.values():
            proxy.open()
            closing.push_async_callback(proxy.close)
        control = await asyncio.start_server(Control(proxies).talk, HOST, plan.control_port)
        closing.callback(control.close)
        on_ready(Running(proxies=proxies, control_port=control.sockets[0].getsockname()[1]))
        await over.wait()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop: uvloop's where it is installed, which forwards about twice as fast."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
