"""Run a program at a terminal of its own, press keys, and read what it says: for what only happens at a terminal."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The program becomes the leader of a session whose terminal is ours, so that Ctrl-C reaches it.
_BECOME = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass(slots=True, kw_only=True)
class Terminal:
    """The keyboard and the screen of a running program."""

    process: "subprocess.Popen[bytes]"
    descriptor: int
    said: str = ""

    def wait_for(self, words: str) -> None:
        """Read until the program has said something; fail where it ends before."""
        while words not in self.said:
            heard = self._hear()
            assert heard, f"it ended without saying `{words}`:\n{self.said}"

    def press(self, keys: str) -> None:
        """Press keys; Ctrl-C is the character 3."""
        os.write(self.descriptor, keys.encode())

    def wait(self) -> int:
        """Read to the end and return the exit code."""
        while self._hear():
            pass
        return self.process.wait(timeout=60)

    def _hear(self) -> str:
        ready, _, _ = select.select([self.descriptor], [], [], 60)
        assert ready, f"for a minute it said nothing and did not end:\n{self.said}"
        try:
            heard = os.read(self.descriptor, 4096).decode(errors="replace")
        except OSError:  # the program has ended
            return ""
        self.said += heard.replace("\r\n", "\n")
        return heard


@contextmanager
def terminal(argv: Sequence[str], *, folder: Path | None = None) -> Iterator[Terminal]:
    """Run a program at a terminal; it is killed where a test leaves it running."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _BECOME, *argv], stdin=its, stdout=its, stderr=its, cwd=folder
    )
    os.close(its)
    try:
        yield Terminal(process=process, descriptor=ours)
    finally:
        os.close(ours)
        process.kill()
        process.wait()
