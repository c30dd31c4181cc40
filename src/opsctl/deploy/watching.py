"""What do the watchers of a deployment read: Prometheus our rules, Alertmanager our routes, Grafana our dashboards."""

from collections.abc import Mapping

from opsctl.deploy import layout
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.templating import HEADER, render

_PROVISIONING = "provisioning/"


def prometheus_config(facts: ProjectFacts, *, targets: Mapping[str, str]) -> str:
    """Return the configuration of Prometheus; `targets` says how service and vectors are found."""
    return render(
        "compose/prometheus.yml",
        {
            "scrape_every": facts.watching.scrape_every,
            "evaluate_every": facts.watching.evaluate_every,
            "metrics_open": facts.metrics_open,
            "qdrant_read_key": f"{layout.SECRETS}/qdrant_read_key",
            "exporter_port": layout.EXPORTER_PORT,
            **targets,
        },
    )


def watching_files(facts: ProjectFacts, *, targets: Mapping[str, str]) -> Mapping[str, str]:
    """Return the files of all three, by path."""
    boards = {
        path: text for path, text in facts.watching.dashboards.items() if not path.startswith(_PROVISIONING)
    }
    provided = {
        "dashboards/opsctl.yaml": facts.watching.dashboards.get("provisioning/dashboards.yaml"),
        "datasources/opsctl.yaml": facts.watching.dashboards.get("provisioning/datasources.yaml"),
    }
    return {
        "prometheus/prometheus.yml": prometheus_config(facts, targets=targets),
        **{f"prometheus/rules/{name}": text for name, text in sorted(facts.watching.rules.items())},
        "alertmanager/alertmanager.yml": f"# {HEADER}\n{facts.watching.alertmanager}",
        **{f"grafana/dashboards/{path}": text for path, text in sorted(boards.items())},
        **{f"grafana/provisioning/{path}": text for path, text in provided.items() if text is not None},
    }
