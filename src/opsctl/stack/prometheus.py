"""How Prometheus watches the stack: Debian's program, its rules from the alert books, its data in the project."""

import shutil
from pathlib import Path

from opsctl.clients.files import write_atomically
from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.ports import HOST
from opsctl.stack.prometheus_config import render_prometheus_config
from opsctl.stack.record import read_stack_record
from opsctl.stack.watch_files import prometheus_file, read_intervals, rules_folder
from opsctl.stack.web_part import web_place, web_url
from opsctl.stack.web_probe import not_ready_because

_PROGRAM = "prometheus"
KEPT_FOR = "30d"
"""How long measurements are kept: as long as the period of an error budget, unless their size ends it earlier."""

_RETENTION = (f"--storage.tsdb.retention.time={KEPT_FOR}", "--storage.tsdb.retention.size=512MB")


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return web_place(home, PartName.PROMETHEUS, data_dir=stack_dir(home) / "prometheus", recorded=recorded)


def specify(home: Path, place: Place) -> PartSpec:
    """Return how this Prometheus is run."""
    return PartSpec(
        name=PartName.PROMETHEUS,
        place=place,
        argv=(
            shutil.which(_PROGRAM) or _PROGRAM,
            f"--config.file={prometheus_file(home)}",
            f"--storage.tsdb.path={place.data_dir}",
            *_RETENTION,
            f"--web.listen-address={HOST}:{place.port}",
            "--web.enable-lifecycle",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ),
        url=web_url(place.port),
        prepare=lambda: prepare(home, place),
        not_ready_because=lambda: not_ready_because(place.port, "/-/ready"),
        finish=lambda: None,
        passing_troubles=("address already in use",),
    )


def prepare(home: Path, place: Place) -> None:
    """Write the configuration for the parts that were ever started.

    Raises:
        NotReadyError: STK030 nobody has said by which rules to watch.
    """
    place.data_dir.mkdir(parents=True, exist_ok=True)
    write_atomically(prometheus_file(home), configuration(home, place))


def configuration(home: Path, place: Place) -> str:
    """Return the configuration as it should be now."""
    intervals = read_intervals(home)
    ports = {name: each.port for name, each in read_stack_record(home).places.items()}
    return render_prometheus_config(
        ports | {PartName.PROMETHEUS: place.port},
        scrape_every=intervals.scrape_every,
        evaluate_every=intervals.evaluate_every,
        rules=rules_folder(home),
        token_file=intervals.token_file,
    )


def missing_because() -> str | None:
    """Return the reason why Prometheus cannot be run here; None where it can."""
    return (
        None if shutil.which(_PROGRAM) else "there is no `prometheus` on the PATH: apt-get install prometheus"
    )


PART = Part(
    name=PartName.PROMETHEUS,
    plan_place=plan_place,
    specify=specify,
    url=web_url,
    required=False,
    on_demand=True,
    missing_because=missing_because,
)
