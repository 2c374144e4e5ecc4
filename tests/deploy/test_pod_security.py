"""The pods pass the restricted pod-security standard of Kubernetes, and two rules beyond it (the last two).

Source: kubernetes.io/docs/concepts/security/pod-security-standards. Nothing here asks a cluster.
"""

from typing import Any

VOLUMES_ALLOWED = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def test_no_process_runs_as_root(pod: dict[str, Any], container: dict[str, Any]) -> None:
    context = pod["spec"]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["runAsGroup"] > 0
    assert not {"runAsUser", "runAsGroup", "runAsNonRoot"} & container["securityContext"].keys()


def test_the_runtime_filters_system_calls(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "seccompProfile" not in container["securityContext"]


def test_no_process_gains_privileges(container: dict[str, Any]) -> None:
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert not context.get("privileged", False)


def test_nothing_of_the_host_is_shared(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
    assert all("hostPort" not in port for port in container["ports"])
    kinds = {kind for volume in pod["spec"].get("volumes", []) for kind in volume.keys() - {"name"}}
    assert kinds <= VOLUMES_ALLOWED


def test_no_other_container_escapes_these_rules(pod: dict[str, Any]) -> None:
    assert not {"initContainers", "ephemeralContainers"} & pod["spec"].keys()


def test_the_root_file_system_is_read_only(container: dict[str, Any]) -> None:
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_pods_hold_no_credentials_of_the_cluster(objects: dict[str, Any], pod: dict[str, Any]) -> None:
    assert pod["spec"]["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert objects["ServiceAccount"]["automountServiceAccountToken"] is False
