"""Whatever a terminal would obey in somebody else's text is shown, and text that an encoding lacks is written out."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.markdown import Markdown

from opsctl.cli.document import document
from opsctl.config.printable import visible
from opsctl.core.findings import Finding, Location, Severity
from opsctl.ui import console
from opsctl.ui.escaping_console import EscapingConsole
from opsctl.ui.show_error import show_findings
from opsctl.ui.table import plain_table

NASTY = "a\x1b[31mb\x9bc\u202ed\u2066e\x7ff"
SHOWN = r"a\x1b[31mb\u009bc\u202ed\u2066e\u007ff"


@pytest.fixture(autouse=True)
def new_consoles() -> Iterator[None]:
    """Make the consoles anew for the streams of each test."""
    console.standard_console.cache_clear()
    yield
    console.standard_console.cache_clear()


def test_escapes_of_lines_findings_and_tables_are_shown(capsys: pytest.CaptureFixture[str]):
    """On stdout and stderr."""
    place = Location(file=NASTY, line=1, column=1, source=NASTY)
    table = plain_table("name")
    table.add_row(NASTY.replace("[", r"\["))

    console.print_line(NASTY)
    console.out().print(table)
    show_findings([Finding(code="X", severity=Severity.ERROR, title=NASTY, location=place, fix=NASTY)])
    got = capsys.readouterr()

    assert got.out.count(SHOWN) == 2
    assert got.err.count(SHOWN) == 4
    assert visible(got.out + got.err) == got.out + got.err


def test_a_terminal_gets_our_own_colours_and_nobody_elses():
    """Rendered Markdown, as `runbooks show` prints it."""
    file = io.StringIO()
    terminal = EscapingConsole(file=file, force_terminal=True, color_system="truecolor", width=100)

    terminal.print(Markdown(f"# Title\n\n**bold** {NASTY}"))

    assert "\x1b[1mbold" in file.getvalue()
    assert "\x1b[31m" not in file.getvalue()
    assert r"\x1b" in file.getvalue()


def test_a_pipe_is_as_wide_as_columns_asks_for(monkeypatch: pytest.MonkeyPatch):
    """And wide where nobody asks."""
    monkeypatch.setenv("COLUMNS", "80")
    asked = console.out().width
    console.standard_console.cache_clear()
    monkeypatch.delenv("COLUMNS")

    assert (asked, console.out().width >= 160) == (80, True)


def test_a_document_stays_the_same_and_holds_nothing_that_a_terminal_obeys(
    capfdbinary: pytest.CaptureFixture[bytes],
):
    """JSON has an escape for each."""
    console.print_document(document("opsctl.test", data={"text": NASTY}, ok=True))
    got = capfdbinary.readouterr().out

    assert json.loads(got)["data"] == {"text": NASTY}
    assert visible(got.decode()) == got.decode()


def test_half_characters_of_a_file_name_are_written_out(capfdbinary: pytest.CaptureFixture[bytes]):
    """A folder of another encoding is a folder like any other."""
    folder = Path("/tmp/caf\udce9")  # noqa: S108 - only a name
    finding = Finding(
        code="X", severity=Severity.ERROR, title="t", location=Location(file=str(folder)), fix=None
    )

    console.print_document(
        document("opsctl.test", data={"folder": folder, "all": (1, [folder])}, ok=False, findings=[finding])
    )
    console.print_line(str(folder))
    out = capfdbinary.readouterr().out

    assert out.count(rb"caf\udce9") == 1
    assert out.count(rb"caf\\udce9") == 3


def test_an_encoding_that_lacks_a_character_ends_nothing(monkeypatch: pytest.MonkeyPatch):
    """`PYTHONIOENCODING=latin-1`, or a terminal of old."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))

    console.print_line("✔ ä")
    sys.stdout.flush()

    assert raw.getvalue() == b"\\u2714 \xe4\n"
