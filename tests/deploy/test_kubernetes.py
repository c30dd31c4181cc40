"""A cluster: manifests that Kubernetes itself would take, locked down, with secrets by reference and nothing open that need not be."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from tests.deploy.projects import FACTS, HOSTED, rendered

from opsctl.clients import file_checkers
from opsctl.deploy.compose import grace_seconds
from opsctl.deploy.facts import Part
from opsctl.deploy.kubernetes import cron_line

BOOKS: dict[str, dict[str, Any]] = {
    "default": {},
    "hosted": HOSTED,
    "no pooler": {"pooler": "none", "database": {"host": "db.example.com"}},
    "one node": {"qdrant": {"nodes": 1, "replication": 1, "write_consistency": 1, "storage_class": "fast"}},
    "issued": {"tls": {"issuer": "letsencrypt"}, "kubernetes": {"outside": ["10.20.0.0/16"]}},
}
WORKLOADS = {"Deployment", "StatefulSet", "Job", "CronJob"}


def manifests(book: dict[str, Any] | None = None, **facts: Any) -> list[dict[str, Any]]:
    """Return every manifest."""
    files = rendered(Part.KUBERNETES, book, **facts)
    texts = [text for path, text in files.items() if path.endswith(".yaml") and "kustomization" not in path]
    return [document for text in texts for document in parsed(text)]


@cache
def parsed(text: str) -> list[dict[str, Any]]:
    """Return the documents of a file; most tests read the same."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document is not None]


@cache
def said_of(manifest: str) -> tuple[str, ...]:
    """Return what Kubernetes's schemas have against a manifest; a fifth of a second each, so the same is asked once."""
    return file_checkers.check_manifest(json.loads(manifest), version="1.34")


def named(kind: str, name: str, book: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Return one of them."""
    return next(
        each for each in manifests(book, **facts) if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that a manifest makes."""
    spec = manifest["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
    return dict(template)


def pods(book: dict[str, Any] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return every pod with the name of what makes it."""
    return [(each["metadata"]["name"], pod_of(each)) for each in manifests(book) if each["kind"] in WORKLOADS]


@pytest.mark.parametrize("name", BOOKS)
def test_the_files_are_as_they_were(name: str, snapshot: SnapshotAssertion):
    """Byte for byte; of other books than the default one, only what differs."""
    files, default = rendered(Part.KUBERNETES, BOOKS[name]), rendered(Part.KUBERNETES)

    assert {
        path: text for path, text in files.items() if name == "default" or text != default.get(path)
    } == snapshot


@pytest.mark.parametrize("name", BOOKS)
def test_kubernetes_schemas_take_every_manifest(name: str):
    """Strictly: a key that they do not know is refused."""
    found = {each["metadata"]["name"]: said_of(json.dumps(each)) for each in manifests(BOOKS[name])}

    assert {name: said for name, said in found.items() if said} == {}


def test_a_manifest_that_is_wrong_is_refused():
    """So that the test before this one says something."""
    service = deepcopy(named("Deployment", "service"))
    service["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    assert file_checkers.check_manifest(service, version="1.34") != ()
    assert file_checkers.check_manifest({"kind": "Deploiment", "apiVersion": "apps/v1"}, version="1.34") != ()


@pytest.mark.parametrize("name,pod", pods())  # noqa: PT006
def test_every_pod_is_locked_down_as_the_namespace_asks(name: str, pod: dict[str, Any]):
    """The profile `restricted` of Pod Security, no token, and a root that nobody writes to."""
    spec = pod["spec"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
        assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
        assert re.search(r":[^:]*\d+\.\d+", container["image"])
    enforced = named("Namespace", "feed")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"


@pytest.mark.parametrize("book", BOOKS.values(), ids=list(BOOKS))
def test_what_a_pod_mounts_is_there(book: dict[str, Any]):
    """Volumes, ConfigMaps, claims, and keys of Secrets that the list of secrets has."""
    every = manifests(book)
    maps = {each["metadata"]["name"]: set(each["data"]) for each in every if each["kind"] == "ConfigMap"}
    claims = {each["metadata"]["name"] for each in every if each["kind"] == "PersistentVolumeClaim"}
    listed = set(
        re.findall(
            r"^\| `(\w+)` \| `(\w+)` \|", rendered(Part.KUBERNETES, book)["secrets.example.md"], re.MULTILINE
        )
    )
    templates = {
        template["metadata"]["name"]
        for each in every
        if each["kind"] == "StatefulSet"
        for template in each["spec"].get("volumeClaimTemplates", [])
    }
    used = set()
    for _, pod in pods(book):
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        mounted = {
            mount["name"] for container in pod["spec"]["containers"] for mount in container["volumeMounts"]
        }
        assert mounted <= set(volumes) | templates
        assert set(volumes) <= mounted
        for volume in volumes.values():
            if "configMap" in volume:
                keys = {item["key"] for item in volume["configMap"].get("items", [])}
                assert keys <= maps[volume["configMap"]["name"]]
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            if "secret" in volume:
                used |= {(volume["secret"]["secretName"], item["key"]) for item in volume["secret"]["items"]}

    assert used == listed


def test_no_manifest_holds_a_secret_and_no_environment_takes_one():
    """They are files; a variable says where."""
    assert [each["kind"] for each in manifests() if each["kind"] == "Secret"] == []
    variables = [
        variable
        for _, pod in pods()
        for container in pod["spec"]["containers"]
        for variable in container.get("env", [])
    ]
    secret = [each for each in variables if re.search("PASSWORD|KEY|TOKEN", each["name"])]
    assert secret
    assert [each for each in secret if not each.get("value", "").startswith("/run/secrets/")] == []


def test_probes_ask_what_the_service_has():
    """Liveness asks no dependency: a restart mends none."""
    (container,) = pod_of(named("Deployment", "service"))["spec"]["containers"]
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")
    }

    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}


def test_a_pod_has_the_time_that_its_end_takes():
    """The news that it goes, its longest answer, what its server waits for the workers."""
    spec = pod_of(named("Deployment", "service", request_seconds=7.0, drain_seconds=20.0))["spec"]
    slept = re.search(r"sleep\((\d+)\)", spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][2])

    assert slept is not None
    assert spec["terminationGracePeriodSeconds"] > int(slept[1]) + 7 + 20
    assert grace_seconds(FACTS) == 15


def test_an_upgrade_takes_no_replica_away_and_a_change_of_books_is_one():
    """The number of replicas is left to who scales them."""
    before = named("Deployment", "service")
    after = named("Deployment", "service", books={"ops/service.yaml": "workers: 3\n"})

    assert before["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in before["spec"]
    assert pod_of(before)["metadata"]["annotations"] != pod_of(after)["metadata"]["annotations"]


def test_another_version_or_book_migrates_in_a_job_of_its_own():
    """A Job cannot be changed."""

    def job(**facts: Any) -> str:
        return str(next(each["metadata"]["name"] for each in manifests(**facts) if each["kind"] == "Job"))

    assert len({job(), job(version="1.2.4"), job(books={})}) == 3
    assert job() == job()


def test_every_pod_has_a_policy_and_every_selector_finds_a_pod():
    """Whatever is not named is closed, by a rule for all."""
    labels = {frozenset(pod["metadata"]["labels"].items()) for _, pod in pods()}
    policies = [each for each in manifests() if each["kind"] == "NetworkPolicy"]
    selectors = [each["spec"]["podSelector"].get("matchLabels") for each in policies]
    own = [selector for selector in selectors if selector]

    assert [each["metadata"]["name"] for each in policies if each["spec"]["podSelector"] == {}] == [
        "default-deny",
        "dns",
    ]
    assert all(any(set(selector.items()) <= label for label in labels) for selector in own)
    assert all(any(set(selector.items()) <= label for selector in own) for label in labels)
    kinds = {"Service", "PodDisruptionBudget"}
    for each in manifests():
        if each["kind"] in kinds:
            selector = each["spec"]["selector"].get("matchLabels", each["spec"]["selector"])
            assert any(set(selector.items()) <= label for label in labels), each["metadata"]["name"]


def test_only_the_ingress_and_prometheus_reach_the_service():
    """And from outside only the paths of the API."""
    (rule,) = named("NetworkPolicy", "service")["spec"]["ingress"]
    paths = [
        path["path"]
        for rule in named("Ingress", "service")["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]

    assert len(rule["from"]) == 2
    assert "/metrics" not in paths
    assert "/" not in paths


def test_a_certificate_can_be_issued_through_the_closed_network():
    """Only where cert-manager does it: whoever proves the names is a pod here that the controller has to reach."""
    (rule,) = named("NetworkPolicy", "acme", BOOKS["issued"])["spec"]["ingress"]
    service = named("NetworkPolicy", "service", BOOKS["issued"])["spec"]["ingress"]

    assert rule["from"][0] in service[0]["from"]
    assert [each["port"] for each in rule["ports"]] == [8089]
    assert "acme" not in {each["metadata"]["name"] for each in manifests()}


def test_the_outside_is_not_the_cluster():
    """Unless the book names ranges, private ones are closed."""
    rules = named("NetworkPolicy", "alertmanager")["spec"]["egress"]
    chosen = named("NetworkPolicy", "alertmanager", BOOKS["issued"])["spec"]["egress"]

    assert "10.0.0.0/8" in rules[0]["to"][0]["ipBlock"]["except"]
    assert chosen[0]["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_the_vectors_are_a_cluster_whose_copies_lie_apart():
    """Found by name whether ready or not, one away at a time, disks kept."""
    stateful = named("StatefulSet", "qdrant")
    config = yaml.safe_load(named("ConfigMap", "qdrant")["data"]["production.yaml"])
    peers = named("Service", "qdrant-peers")["spec"]

    assert (stateful["spec"]["replicas"], config["cluster"]["enabled"]) == (3, True)
    assert config["storage"]["collection"] == {
        "shard_number": 6,
        "replication_factor": 2,
        "write_consistency_factor": 1,
        "vectors": {"on_disk": False},
    }
    assert (peers["clusterIP"], peers["publishNotReadyAddresses"]) == ("None", True)
    assert stateful["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"
    assert named("PodDisruptionBudget", "qdrant")["spec"]["maxUnavailable"] == 1
    assert named("PodDisruptionBudget", "qdrant", BOOKS["one node"])["spec"]["maxUnavailable"] == 0


def test_a_hosted_database_has_no_pooler_and_no_archiver_here():
    """Nobody can stream the log of a Supabase project."""
    names = {name for name, _ in pods(HOSTED)}
    containers = pod_of(named("Deployment", "operations", HOSTED))["spec"]["containers"]

    assert "pooler" not in names
    assert [each["name"] for each in containers] == ["exporter"]


@pytest.mark.parametrize(
    ("every", "line"),
    [
        (60, "17 * * * *"),
        (3600, "17 * * * *"),
        (5 * 3600, "17 */4 * * *"),
        (86_400, "17 3 * * *"),
        (2 * 86_400, "17 3 * * *"),
        (30 * 86_400, "17 3 * * 0"),
    ],
)
def test_a_schedule_is_never_rarer_than_the_book_asks_where_cron_can_say_it(every: int, line: str):
    """It knows hours, days and weeks."""
    assert cron_line(every, minute=17, hour=3) == line


def test_a_book_without_dashboards_has_no_file_of_them():
    """The list of files names what is there."""
    files = rendered(Part.KUBERNETES, watching=replace(FACTS.watching, dashboards={}))
    listed = yaml.safe_load(files["kustomization.yaml"])["resources"]

    assert "dashboards.yaml" not in files
    assert {*listed, "kustomization.yaml", "secrets.example.md", "lock.json"} == set(files)
