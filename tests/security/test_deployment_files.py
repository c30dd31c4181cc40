"""Containers: each right that one does not need is named, and a description without any passes."""

import itertools

import pytest
import yaml
from tests.security.audited_project import AuditedProject, look_at

from opsctl.security.checks.sec011_deployment_files import CHECK
from opsctl.security.deployments.compose import compose_weaknesses
from opsctl.security.deployments.dockerfile import dockerfile_weaknesses
from opsctl.security.deployments.kubernetes import kubernetes_weaknesses
from opsctl.security.model import State

COMPOSE = """
x-hardened: &hardened
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
services:
  service:
    <<: *hardened
    image: opsctl:0.1.0
    user: "10001:10001"
    ports: ["0.0.0.0:8000:8000"]
    environment:
      DATABASE_PASSWORD_FILE: /run/secrets/database_password
      CACHE_PASSWORD: ${CACHE_PASSWORD:?set it}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: service}
spec:
  template:
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: service
          image: registry.example/opsctl@sha256:%s
          securityContext:
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
          env:
            - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: database, key: password}}}
""" % ("0" * 64)
DOCKERFILE = """
FROM python:3.12-slim AS build
RUN pip wheel opsctl
FROM python:3.12-slim
COPY --from=build /wheels /wheels
ENV PATH=/opt/bin:$PATH \\
    OPSCTL_PROJECT=/srv
USER 10001:10001
"""


def test_a_project_without_deployment_files_could_not_tell(project: AuditedProject) -> None:
    """And one with other YAML in the folder neither."""
    project.write("deploy/prometheus.yml", "global: {}\n")

    checked = look_at(CHECK, project)

    assert checked.state is State.UNKNOWN
    assert checked.mend is not None
    assert checked.mend.startswith("opsctl deploy render")


def test_containers_with_no_more_than_they_need_pass(project: AuditedProject) -> None:
    """All three languages at once."""
    project.write("deploy/compose/compose.yaml", COMPOSE)
    project.write("deploy/kubernetes/service.yaml", DEPLOYMENT)
    project.write("deploy/image/Dockerfile", DOCKERFILE)

    checked = look_at(CHECK, project)

    assert (checked.state, checked.reason) == (
        State.PASS,
        "3 files, no container with more than it needs",
    ), checked.troubles


def test_a_weakness_is_told_with_its_file_and_its_container(project: AuditedProject) -> None:
    """So that a waiver can name both."""
    project.write("deploy/compose/compose.yaml", COMPOSE.replace("opsctl:0.1.0", "opsctl"))

    checked = look_at(CHECK, project)

    assert checked.state is State.FAIL
    assert [each.place for each in checked.troubles] == ["deploy/compose/compose.yaml: service"]


def test_a_file_that_is_no_yaml_could_not_be_looked_at(project: AuditedProject) -> None:
    """It is never taken for one without weaknesses."""
    project.write("deploy/compose.yaml", "services: [\n")

    assert look_at(CHECK, project).state is State.UNKNOWN


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in itertools.pairwise("abcdefgh")
)


@pytest.mark.parametrize(
    "text",
    [
        "services: [web]\n",
        "services:\n  web: 5\n",
        "services:\n  web: {image: a:1, ports: 5}\n",
        "services:\n  web: {image: a:1, cap_drop: 1}\n",
        "apiVersion: v1\nkind: Pod\nspec: 5\n",
        "apiVersion: v1\nkind: PodList\nitems: [4]\n",
        "apiVersion: v1\nkind: Pod\nspec: {containers: [5]}\n",
        f"{BOMB}services:\n  web: {{image: a:1, ports: [*h]}}\n",
        "services: &s\n  web: *s\n",
    ],
)
def test_a_file_that_is_not_made_as_its_language_has_it_could_not_be_looked_at(
    project: AuditedProject, text: str
) -> None:
    """That is no defect of the check, and never taken for a file without weaknesses; aliases of aliases end at once."""
    project.write("deploy/good.yaml", COMPOSE)
    project.write("deploy/odd.yaml", text)

    checked = look_at(CHECK, project)

    assert checked.state is State.UNKNOWN
    assert checked.reason.startswith("`deploy/odd.yaml` ")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("opsctl:0.1.0", "opsctl:latest", "no fixed tag"),
        ("opsctl:0.1.0", "registry.example:5000/opsctl", "no fixed tag"),
        ('user: "10001:10001"', 'user: "0:0"', "runs as root"),
        ('user: "10001:10001"', "init: true", "does not say as whom"),
        ("read_only: true", "read_only: false", "`read_only: true`"),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop"),
        ("cap_drop: [ALL]", "cap_drop: [ALL]\n  cap_add: [NET_BIND_SERVICE, SYS_ADMIN]", "[SYS_ADMIN]"),
        ("no-new-privileges:true", "label:none", "no-new-privileges"),
        ("read_only: true", "read_only: true\n  privileged: true", "privileged"),
        ("read_only: true", "read_only: true\n  network_mode: host", "network_mode"),
        ("read_only: true", "read_only: true\n  volumes: [/var/run/docker.sock:/d.sock]", "Docker's socket"),
        ("${CACHE_PASSWORD:?set it}", "hunter2", "`CACHE_PASSWORD` holds a secret"),
        ("${CACHE_PASSWORD:?set it}", "${CACHE_PASSWORD:-hunter2}", "`CACHE_PASSWORD` holds a secret"),
        ("0.0.0.0:8000:8000", "5432:5432", "port 5432 is published"),
        ("0.0.0.0:8000:8000", "0.0.0.0:6333:6333", "port 6333 is published"),
        ("0.0.0.0:8000:8000", "${BIND:-0.0.0.0}:5432:5432", "port 5432 is published on every address"),
        ("0.0.0.0:8000:8000", "${BIND:-${ALL-0.0.0.0}}:5432:5432/tcp", "port 5432 is published"),
        ("0.0.0.0:8000:8000", "${BIND}:5432:5432", "port 5432 is published on `${BIND}`"),
        ("0.0.0.0:8000:8000", "${OUTER:-5432}:5432", "port 5432 is published"),
        ("0.0.0.0:8000:8000", "5430-5439:5430-5439", "port 5432 is published"),
        ("0.0.0.0:8000:8000", "192.0.2.7:5432:5432", "port 5432 is published on `192.0.2.7`"),
        ("0.0.0.0:8000:8000", "[::]:5432:5432", "port 5432 is published"),
        ("0.0.0.0:8000:8000", "8000:${PORT}", "port `${PORT}` is published"),
        ('["0.0.0.0:8000:8000"]', "[{target: 5432}]", "port 5432 is published"),
        ('["0.0.0.0:8000:8000"]', '[{target: 5432, host_ip: "${B:-::}"}]', "port 5432 is published"),
        ("read_only: true", "read_only: true\n  volumes: ['${S:-/run/docker.sock}:/d']", "Docker's socket"),
        ("read_only: true", "read_only: true\n  volumes: [/run/containerd/containerd.sock:/c]", "root on"),
        ("read_only: true", "read_only: true\n  volumes: [/:/host:ro]", "it has `/` of the machine"),
        (
            "read_only: true",
            "read_only: true\n  volumes: [{type: bind, source: /etc/, target: /e}]",
            "`/etc/`",
        ),
        ("read_only: true", "read_only: true\n  volumes: [/proc/1:/p]", "`/proc/1` of the machine"),
        ("read_only: true", "read_only: true\n  userns_mode: host", "userns_mode"),
        ("read_only: true", "read_only: true\n  network_mode: '${NET:-host}'", "network_mode"),
        ("read_only: true", "read_only: true\n  privileged: '${P:-true}'", "privileged"),
        ("read_only: true", "read_only: true\n  devices: [/dev/kmsg]", "devices"),
        (
            '["no-new-privileges:true"]',
            '["no-new-privileges:true", "seccomp=unconfined"]',
            "takes away what holds it in",
        ),
    ],
)
def test_each_weakness_of_a_compose_file(before: str, after: str, said: str) -> None:
    """One change makes one weakness."""
    assert not list(compose_weaknesses(yaml.safe_load(COMPOSE)))
    assert before in COMPOSE

    (weakness,) = compose_weaknesses(yaml.safe_load(COMPOSE.replace(before, after)))

    assert said in weakness.title
    assert weakness.about == "service"


def test_a_database_published_on_loopback_alone_is_none() -> None:
    """In both ways of writing a port."""
    short = COMPOSE.replace("0.0.0.0:8000:8000", "127.0.0.1:5432:5432")
    variable = COMPOSE.replace("0.0.0.0:8000:8000", "${BIND:-127.0.0.1}:${PORT:-5432}:5432")
    long = COMPOSE.replace('["0.0.0.0:8000:8000"]', "[{target: 5432, published: 5432, host_ip: 127.0.0.1}]")

    assert not list(compose_weaknesses(yaml.safe_load(short)))
    assert not list(compose_weaknesses(yaml.safe_load(variable)))
    assert not list(compose_weaknesses(yaml.safe_load(long)))
    assert list(compose_weaknesses(yaml.safe_load(long.replace(", host_ip: 127.0.0.1", ""))))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("@sha256:" + "0" * 64, ":latest", "no fixed tag"),
        ("runAsNonRoot: true", "runAsNonRoot: false", "may run as root"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"),
        ("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"),
        ("drop: [ALL]", "drop: []", "capabilities"),
        ("drop: [ALL]", "drop: [ALL], add: [NET_BIND_SERVICE, SYS_ADMIN]", "add: [SYS_ADMIN]"),
        ("type: RuntimeDefault", "type: Unconfined", "seccompProfile"),
        ("          env:", "          ports: [{hostPort: 8000}]\n          env:", "`hostPort: 8000`"),
        ("capabilities:", "privileged: true\n            capabilities:", "privileged"),
        ("valueFrom: {secretKeyRef: {name: database, key: password}}", "value: hunter2", "`DB_PASSWORD`"),
        (
            "      containers:",
            "      hostNetwork: true\n      containers:",
            "hostNetwork",
        ),
        (
            "      containers:",
            "      volumes: [{name: logs, hostPath: {path: /var/log}}]\n      containers:",
            "`logs` is a folder of the machine",
        ),
    ],
)
def test_each_weakness_of_a_manifest(before: str, after: str, said: str) -> None:
    """One change makes one weakness."""
    assert not list(kubernetes_weaknesses(yaml.safe_load(DEPLOYMENT)))
    assert before in DEPLOYMENT

    (weakness,) = kubernetes_weaknesses(yaml.safe_load(DEPLOYMENT.replace(before, after)))

    assert said in weakness.title
    assert weakness.about == "Deployment/service"


def test_the_pod_of_a_cron_job_is_looked_at_and_a_secret_with_values_is_told() -> None:
    """A kind that runs nothing has no weakness of a container."""
    pod = {"containers": [{"name": "c", "image": "a:1"}]}
    job = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}

    found = [each.title.partition(": ")[2].partition(":")[0] for each in kubernetes_weaknesses(job)]
    assert found == [
        "it may run as root",
        "its root can be written to",
        "it can gain rights",
        "it keeps rights of root",
        "it may call all of the kernel",
    ]
    assert list(kubernetes_weaknesses({"kind": "Secret", "data": {"key": "aHVudGVyMg=="}}))
    assert not list(kubernetes_weaknesses({"kind": "Service", "spec": {}}))


@pytest.mark.parametrize("kind", ["List", "DeploymentList"])
def test_what_a_list_holds_is_looked_at(kind: str) -> None:
    """As `kubectl get --output yaml` writes it."""
    pod = {"containers": [{"name": "c", "image": "a"}]}
    items = [{"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}}]
    if kind == "DeploymentList":
        del items[0]["kind"]

    found = list(kubernetes_weaknesses({"apiVersion": "v1", "kind": kind, "items": items}))

    assert {each.about for each in found} == {"Deployment/a"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("USER 10001:10001", "", "runs as root"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("python:3.12-slim\nCOPY", "python\nCOPY", "no fixed tag"),
        ("OPSCTL_PROJECT=/srv", "API_KEY=abc", "`API_KEY` holds a secret"),
        ("RUN pip wheel opsctl", "RUN curl -s https://x.example/i.sh | sh", "unseen"),
        ("RUN pip wheel opsctl", "ADD https://x.example/a.tar /a", "`ADD`"),
    ],
)
def test_each_weakness_of_a_dockerfile(before: str, after: str, said: str) -> None:
    """One change makes one weakness."""
    assert not list(dockerfile_weaknesses(DOCKERFILE))
    assert before in DOCKERFILE

    (weakness,) = dockerfile_weaknesses(DOCKERFILE.replace(before, after))

    assert said in weakness.title
