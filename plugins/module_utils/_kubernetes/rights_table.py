# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which rights each verb needs, and why. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

The check before a verb, the Roles in examples/rbac and the tables in docs/rights.md are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Need, Right

# The files with the Roles, in the folder of this collection.
FOLDER = "examples/rbac"
# Stands for the name of the Secret with the login that is used.
LOGIN = "<login>"


@dataclass(frozen=True)
class Line:
    """Verbs on one kind of objects, and what they are needed for."""

    verbs: str
    resource: str
    # Continues a sentence: "to …".
    why: str
    # What is missing without it, where the work is done nevertheless; empty where it is required.
    loss: str = ""
    # In which case alone it is needed; empty where always.
    when: str = ""
    name: str = ""
    # Whether the request is not in a namespace.
    everywhere: bool = False

    def needs(self, namespace: str, login: str = "") -> Iterator[Need]:
        """One need for each verb."""
        name = {LOGIN: login, "namespaces": namespace}.get(self.name or self.resource, self.name)
        for verb in self.verbs.split():
            where = "" if self.everywhere else namespace
            yield Need(Right(self.resource, verb, where, "" if self.everywhere else name), self.why)


def required(lines: Iterable[Line], namespace: str, login: str = "") -> list[Need]:
    """What the work can't do without, whatever is declared."""
    return [need for line in lines if not (line.loss or line.when) for need in line.needs(namespace, login)]


def optional(lines: Iterable[Line], loss: str) -> tuple[Line, ...]:
    """The same lines where the work is done without these rights, too."""
    return tuple(replace(line, loss=line.loss or loss) for line in lines)


def case(lines: Iterable[Line], when: str) -> tuple[Line, ...]:
    """The same lines where they are needed in one case only."""
    return tuple(replace(line, when=when) for line in lines)


SECRET, CLAIM, STATEFULSET = "secrets", "persistentvolumeclaims", "statefulsets.apps"
# The kinds that the role applies, but StatefulSet and Secret, which it also reads otherwise.
SIMPLE_KINDS = ("serviceaccounts", "services", "networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy")
KINDS = (*SIMPLE_KINDS, STATEFULSET, SECRET)
DEPLOYMENT = "deployments.apps"
BOX = "with nats_cluster_box"

LEASE = (
    Line(
        "create delete get update",
        "leases.coordination.k8s.io",
        "to hold the Lease, so that no other play changes the cluster meanwhile",
    ),
)
ASK = (
    Line("list", "pods", "to find the servers"),
    Line("get", SECRET, "to log in to the servers", name=LOGIN),
    Line("create get", "pods/portforward", "to reach the servers"),
)
OBSERVE = (
    Line("list", "pods", "to find the servers"),
    Line("get", STATEFULSET, "to know how many servers there should be"),
    Line("list", CLAIM, "to know the sizes of the volumes"),
    Line("list", "events", "to tell why a pod does not run", "the reason is not told"),
    Line("get", "pods/log", "to show and search the logs of the servers", "no log is shown or searched"),
)
COMPARE_FILES = (
    Line(
        "create get",
        "pods/exec",
        "to compare nats.conf in each pod with what its server runs with",
        "they are not compared",
    ),
)
MASK = (
    Line(
        "get list",
        SECRET,
        "to know what has to be masked in logs and events",
        "secrets in them are masked by the words before them alone",
    ),
)
BOX_RUNS = (Line("get", DEPLOYMENT, "to wait until the box runs", when=BOX),)
ACCOUNTS = (
    Line(
        "get",
        SECRET,
        "to log in as each account, and to know what has to be masked in logs",
        "leaders of its streams and consumers stay where they are, and scaling in is refused",
    ),
)
SERVERS = (*OBSERVE, *ASK, *ACCOUNTS)
END_OF_POD = (
    Line("delete", "pods", "to let a pod go as soon as its containers have ended", "a restart takes a little longer"),
    Line("patch", "pods", "to wake the kubelet of a new pod", "a restart may take up to 15 s longer"),
    Line("create get", "pods/exec", "to end a server whose clients have left", "a restart takes a little longer"),
)

READ = (
    Line("get", "namespaces", "to know whether the namespace exists"),
    Line("get", STATEFULSET, "to know what runs"),
    Line("list", "pods", "to know what runs"),
    Line("list", CLAIM, "to know which volumes there are"),
    Line("list", SECRET, "to keep the logins and passwords that there are"),
)
LOOK_AROUND = (
    Line("list", "nodes", "to know whether each server finds a node", "this is not checked", everywhere=True),
    Line(
        "list",
        "storageclasses.storage.k8s.io",
        "to know whether the storage class exists and its volumes can grow",
        "this is not checked",
        everywhere=True,
    ),
    Line(
        "list",
        "persistentvolumes",
        "to find volumes of a class that exists by name only",
        "this is not checked",
        everywhere=True,
    ),
    Line(
        "list",
        "controllerrevisions.apps",
        "to take over pods whose StatefulSet was lost",
        "such a StatefulSet can't be made again",
    ),
    *(
        Line("list", kind, "to find objects that are no longer declared", "such objects are left")
        for kind in (*SIMPLE_KINDS, STATEFULSET)
    ),
    Line("list", DEPLOYMENT, "to find objects that are no longer declared", "such objects are left", when=BOX),
)
COMPARE = (
    *(Line("get patch", kind, "to compare what runs with what is declared, and apply it") for kind in KINDS),
    Line("get patch", DEPLOYMENT, "to compare what runs with what is declared, and apply it", when=BOX),
)
CREATE = (
    *(Line("create", kind, "to create what is declared") for kind in KINDS),
    Line("create", DEPLOYMENT, "to create what is declared", when=BOX),
)
CHECK_CONF = (
    Line("create delete get list", "pods", "to have nats-server check nats.conf in a pod that is made for this"),
    Line("create get", "pods/exec", "to have nats-server check nats.conf"),
)
NAMESPACE = (
    Line("create get patch", "namespaces", "to create the namespace", when="where it is missing", everywhere=True),
)
RELOAD = (
    *ASK,
    Line("get", SECRET, "to read the configuration and the certificates"),
    Line("patch", "pods", "to have the kubelets bring the files of Secrets into the pods at once"),
    Line("create get", "pods/exec", "to read the files in the pods"),
    Line("get", "pods/log", "to tell why a server refuses its configuration", "the reason is not told"),
)
ROLL = (
    *SERVERS,
    Line("get patch", STATEFULSET, "to let one pod after the other be replaced"),
    Line("get", "pods", "to watch the pods"),
    *END_OF_POD,
)
SCALE = (
    *SERVERS,
    Line("get patch", STATEFULSET, "to change the number of servers"),
    Line("get", "pods", "to watch the pods"),
    *END_OF_POD,
)
DELETE_VOLUMES = (Line("get delete", CLAIM, "to delete the volumes of servers that leave"),)
EXPAND = (
    Line("patch", CLAIM, "to expand the volumes"),
    Line("create delete get patch", STATEFULSET, "to replace the StatefulSet by one with larger volumes"),
)
REMOVE = (
    *(Line("get delete", kind, "to delete what is no longer declared") for kind in KINDS),
    Line("get delete", DEPLOYMENT, "to delete what is no longer declared", when=BOX),
)
VERIFY = (*OBSERVE, *ASK, *COMPARE_FILES, *BOX_RUNS)

# The authority and the certificates of routes are Secrets, which a reload brings to the servers.
CERTIFICATES = (
    *READ,
    Line("create get patch", SECRET, "to replace the authority and the certificates"),
    *LEASE,
    *RELOAD,
    *VERIFY,
    *MASK,
)

NO_ANSWERS = "nothing is known of what the servers have: pods, volumes, events and logs alone are shown"
VERBS: Mapping[str, tuple[Line, ...]] = {
    "status": (*OBSERVE, *optional(ASK[1:], NO_ANSWERS), *COMPARE_FILES, *MASK),
    "verify": (*VERIFY, *MASK),
    "report": (*OBSERVE, *optional(ASK[1:], NO_ANSWERS), *COMPARE_FILES, *MASK),
    "diagnose": (
        *OBSERVE,
        *optional(ASK[1:], NO_ANSWERS),
        *COMPARE_FILES,
        *MASK,
        Line("list", SECRET, "to put the masked configurations into the support bundle", "it has none"),
        Line("get", "services", "to see how clients reach the servers"),
        Line("list", "networkpolicies.networking.k8s.io", "to find what keeps servers apart", "this is not examined"),
        Line("list", "nodes", "to find what is wrong with nodes", "this is not examined", everywhere=True),
        Line(
            "list",
            "storageclasses.storage.k8s.io",
            "to find what is wrong with volumes",
            "this is not examined",
            everywhere=True,
        ),
    ),
    "smoke": ASK,
    "resources": ASK,
    "reload": RELOAD,
    "renew": CERTIFICATES,
    "rotate_ca": CERTIFICATES,
    "rotate_credentials": (*READ, *LOOK_AROUND, *COMPARE, *LEASE, *RELOAD, *VERIFY, *MASK),
    "rebalance": (*LEASE, *SERVERS, *COMPARE_FILES, *MASK),
    "restart_server": (
        *LEASE,
        *SERVERS,
        Line("delete get", "pods", "to restart the server"),
        *END_OF_POD,
        *VERIFY,
        *MASK,
    ),
    "drain": (
        *LEASE,
        *SERVERS,
        Line("get", "pods", "to watch the pods"),
        Line("create", "pods/eviction", "to evict the servers"),
        Line("get", CLAIM, "to tell which node a volume is on"),
        Line(
            "get",
            "persistentvolumes",
            "to tell which node a volume is on",
            "this is not told",
            everywhere=True,
        ),
        Line("get", "nodes", "to refuse a node that does not answer", "this is not checked", everywhere=True),
        *END_OF_POD,
        *VERIFY,
        *MASK,
    ),
    "cordon": (Line("get patch", "nodes", "to cordon or uncordon the node", everywhere=True),),
    "replace": (
        *LEASE,
        *SERVERS,
        Line("get patch", STATEFULSET, "to note which server is being replaced"),
        Line("delete get", CLAIM, "to delete the volume"),
        Line("delete get", "pods", "to delete the pod"),
        Line("get", "nodes", "to know whether the node is lost", "this is not known", everywhere=True),
        *END_OF_POD,
        *VERIFY,
        *MASK,
    ),
    "restart": (*READ, *LOOK_AROUND, *COMPARE, *LEASE, *ROLL, *VERIFY, *MASK),
    "deploy": (
        *READ,
        *LOOK_AROUND,
        *COMPARE,
        *CREATE,
        *CHECK_CONF,
        *LEASE,
        *VERIFY,
        *MASK,
        *case(RELOAD, "where a configuration changes"),
        *case(ROLL, "where servers restart"),
        *case(SCALE, "where the number of servers changes"),
        *case(DELETE_VOLUMES, "with nats_cluster_delete_volumes"),
        *case(EXPAND, "where volumes grow"),
        *case(REMOVE, "where something is no longer declared"),
        *NAMESPACE,
    ),
    "uninstall": (
        *READ,
        *LOOK_AROUND[3:],
        *LEASE,
        *(Line("delete get", kind, "to delete what was deployed") for kind in KINDS),
        Line("delete get", "pods", "to delete pods that are left", when="where pods are left"),
        Line("delete get", DEPLOYMENT, "to delete what was deployed", when=BOX),
        *case(
            (Line("delete get", CLAIM, "to delete the volumes"), *ASK),
            "with nats_cluster_delete_data",
        ),
    ),
}
READING = ("status", "report", "diagnose")
OPERATING = (
    "restart",
    "restart_server",
    "drain",
    "cordon",
    "replace",
    "rebalance",
    "reload",
    "renew",
    "rotate_ca",
    "rotate_credentials",
    "smoke",
    "verify",
    *READING,
)
# The verbs that each Role is for, from the one with the fewest rights.
ROLES: Mapping[str, tuple[str, ...]] = {
    "viewer": (*READING, "verify"),
    "application-team": ("resources",),
    "operator": OPERATING,
    "deployer": tuple(VERBS),
}
# The login of each Role to the servers, in a cluster named `nats`. A viewer has that of the user who can't change anything.
LOGINS: Mapping[str, str] = {"viewer": "nats-sys-checker", "application-team": "nats-app"}
# What reading verbs can do without: all other Secrets, and the files in the pods.
HIDDEN_FROM_VIEWERS = (SECRET, "pods/exec")


def lines_of(role: str) -> list[Line]:
    """The lines that a Role grants, each in its first place."""
    found = dict.fromkeys(line for verb in ROLES[role] for line in VERBS[verb])
    if role == "viewer":
        return [line for line in found if line.name == LOGIN or line.resource not in HIDDEN_FROM_VIEWERS]
    return [*found]


def files_for(verb: str, needs: Iterable[Need]) -> list[str]:
    """The files that grant these rights for a verb: of the Role with the fewest rights, and of its ClusterRole where that is needed."""
    role = next(role for role, verbs in ROLES.items() if verb in verbs)
    places = {bool(need.right.namespace) for need in needs}
    return [f"{role}.yaml" if within else f"{role}-cluster.yaml" for within in sorted(places, reverse=True)]
