"""How a worker hands long work to a child process: started with a pipe, heard by lines, never left behind."""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal this process gets when its parent dies


@dataclass(slots=True, kw_only=True)
class Child:
    """A child process; `on_line` hears each line that it prints, `on_exit` its return code."""

    process: subprocess.Popen[bytes]
    on_line: Callable[[str], None]
    on_exit: Callable[[int], None]
    rest: bytes = b""

    @classmethod
    def start(
        cls,
        module: str,
        *arguments: str | Path,
        on_line: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> "Child":
        """Start `python -m module` with arguments."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, close_fds=True)
        return cls(process=process, on_line=on_line, on_exit=on_exit)

    @property
    def pipe(self) -> IO[bytes]:
        """Where its lines come out."""
        if self.process.stdout is None:
            raise ValueError("a child is always started with a pipe")
        return self.process.stdout

    def hear(self) -> bool:
        """Pass on the lines that are there; False when the child is gone and has been told to `on_exit`."""
        data = os.read(self.pipe.fileno(), 65_536)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.on_line(line.decode())
        if data:
            return True
        self.pipe.close()
        self.on_exit(self.process.wait())
        return False

    def kill(self) -> None:
        """End the child at once; nobody is told."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Children:
    """All children of a worker, watched by its selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector

    def add(self, child: Child) -> None:
        """Listen to a child."""
        self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def hear(self, child: Child) -> None:
        """React to a child that has something to say."""
        if child.pipe.closed:
            return  # killed while this news was on its way
        descriptor = child.pipe.fileno()
        if not child.hear():
            self._selector.unregister(descriptor)

    def kill(self, child: Child) -> None:
        """Stop listening to a child and end it."""
        self._selector.unregister(child.pipe)
        child.kill()


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies; elsewhere than on Linux it just finishes."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
