"""What is weak in a Kubernetes manifest? What is asked is most of the `restricted` profile of its own Pod Security Standards."""

from collections.abc import Iterator
from typing import Any

from opsctl.security.deployments.common import BIND_SERVICE, Weakness, image_weakness, literal_secrets

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})


def kubernetes_weaknesses(document: dict[str, Any]) -> Iterator[Weakness]:
    """Yield what is weak in one object, or in each of a list of them; nothing for kinds that run nothing."""
    kind = str(document.get("kind"))
    if kind.endswith("List"):
        for each in document.get("items") or ():
            # Lists of one kind, such as a DeploymentList, may leave it out in what they hold.
            yield from kubernetes_weaknesses({"kind": kind.removesuffix("List"), **each})
        return
    about = f"{kind}/{(document.get('metadata') or {}).get('name', '?')}"
    if kind == "Secret" and (document.get("data") or document.get("stringData")):
        yield Weakness(about, f"{about} holds its values; base64 hides nothing: make it where it runs")
    pod = _pod(document)
    if pod is None:
        return
    for title in _of_pod(pod):
        yield Weakness(about, f"{about}: {title}")
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        for title in _of_container(container, pod.get("securityContext") or {}):
            yield Weakness(about, f"{about}, container `{container.get('name', '?')}`: {title}")


def _pod(document: dict[str, Any]) -> dict[str, Any] | None:
    kind, spec = document.get("kind"), document.get("spec") or {}
    if kind == "Pod":
        return dict(spec)
    if kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    elif kind not in _WORKLOADS:
        return None
    return dict((spec.get("template") or {}).get("spec") or {})


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield f"`{key}` shares the machine's own"
    for volume in pod.get("volumes") or ():
        if volume.get("hostPath"):
            yield f"volume `{volume.get('name')}` is a folder of the machine"


def _of_container(container: dict[str, Any], of_pod: dict[str, Any]) -> Iterator[str]:
    weakness = image_weakness(str(container.get("image") or ""))
    if weakness:
        yield weakness
    own = container.get("securityContext") or {}
    context = of_pod | own
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        yield "it may run as root: `runAsNonRoot: true`"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "its root can be written to: `readOnlyRootFilesystem: true`"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "it can gain rights: `allowPrivilegeEscalation: false`"
    if own.get("privileged"):
        yield "it is `privileged`: root on the machine"
    yield from _of_rights(own.get("capabilities") or {})
    if (context.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "it may call all of the kernel: `seccompProfile: {type: RuntimeDefault}`"
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"`hostPort: {port['hostPort']}` takes a port of the machine"
    yield from literal_secrets(
        {str(each.get("name")): each.get("value") for each in container.get("env") or ()}
    )


def _of_rights(capabilities: dict[str, Any]) -> Iterator[str]:
    if "ALL" not in [str(each).upper() for each in capabilities.get("drop") or ()]:
        yield "it keeps rights of root: `capabilities: {drop: [ALL]}`"
    added = [str(each) for each in capabilities.get("add") or () if str(each).upper() != BIND_SERVICE]
    if added:
        yield f"it is given rights of root: `capabilities: {{add: [{', '.join(added)}]}}`"
