# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod's Secrets hold, what lies in it, and what a refusal may show."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._mounted import MARK, declared, look
from ansible_collections.messaging.nats.plugins.module_utils._nats_conf import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._observation_kubernetes import CONFIGURATION
from ansible_collections.messaging.nats.plugins.module_utils._reloading import _without_values
from tests.certificates import certificate


def pod(**volumes):
    mounts = [{"name": name, "mountPath": path} for name, (path, _volume) in volumes.items()]
    return {
        "metadata": {"name": "nats-0", "namespace": "n"},
        "spec": {
            "containers": [{"name": "nats", "volumeMounts": mounts}],
            "volumes": [{"name": name} | volume for name, (_path, volume) in volumes.items()],
        },
    }


class Fake(Kubernetes):
    """Secrets and one command's output."""

    def __init__(self, secrets, said=""):
        self.secrets, self.said = secrets, said

    def find(self, path, what, **query):
        data = self.secrets.get(path.rpartition("/")[2])
        return data and {"data": {key: base64.b64encode(value).decode() for key, value in data.items()}}

    def run(self, *_arguments, **_more):
        return 0, self.said


def sha(content):
    return hashlib.sha256(content).hexdigest()


TLS = {"cert_file": "/etc/tls/tls.crt", "key_file": "/etc/tls/tls.key"}
CONF = to_nats_conf({"server_metadata": {"revision": "7"}, "websocket": {"port": 1, "tls": TLS}}).encode()
CONFIG = ("/etc/nats", {"secret": {"secretName": "config"}})


def test_every_file_is_traced_to_its_secret():
    items = [{"key": "renamed", "path": "tls.crt"}]
    mounted = pod(config=CONFIG, tls=("/etc/tls", {"secret": {"secretName": "tls", "items": items}}))
    found = declared(Fake({"config": {"nats.conf": CONF}, "tls": {"renamed": b"C", "tls.key": b"K"}}), mounted)
    assert found.hashes == {CONFIGURATION: sha(CONF), TLS["cert_file"]: sha(b"C"), TLS["key_file"]: sha(b"K")}
    assert (found.secret, found.certificates, found.revision) == (
        "Secret config",
        {"websocket": TLS["cert_file"]},
        "7",
    )


def test_a_configuration_of_no_secret_is_no_cluster_of_ours():
    with pytest.raises(NatsError, match=r"it mounts no Secret at /etc/nats/nats\.conf"):
        declared(Fake({}), pod(config=("/etc/nats", {"configMap": {"name": "config"}})))
    with pytest.raises(NatsError, match=r"Secret config holds no nats\.conf"):
        declared(Fake({"config": {}}), pod(config=CONFIG))


def test_what_lies_in_the_pod(tmp_path):
    ends = certificate(tmp_path, "a")
    wanted = declared(Fake({"config": {"nats.conf": CONF}}), pod(config=CONFIG))
    said = f"{sha(CONF)}  {CONFIGURATION}\n{MARK}\nnats-server: it is valid (sha256:ab)\n{MARK}\n"
    there = look(Fake({}, said + (tmp_path / "a.crt").read_text()), pod(config=CONFIG), wanted)
    assert (there.stale, there.digest, there.ends, there.problem) == ((), "sha256:ab", {"websocket": ends}, "")
    said = f'{sha(b"old")}  {CONFIGURATION}\n{MARK}\nnats-server: {CONFIGURATION}:1:0: unknown field "x"\n\n{MARK}\n'
    there = look(Fake({}, said), pod(config=CONFIG), wanted)
    assert (there.stale, there.digest, there.ends) == ((CONFIGURATION,), "", {})
    assert there.problem == 'holds what the server refuses: 1:0: unknown field "x"'


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "config reload not supported for JetStreamKey: old=, new=S3cret",
            "config reload not supported for JetStreamKey",
        ),
        (
            'config reload not supported for LeafNode: field "Password": old=a\nb, new=S3cret',
            "config reload not supported for LeafNode",
        ),
        ("config reload not supported for jetstream storage directory",) * 2,
    ],
)
def test_a_refusal_shows_no_values(said, shown):
    assert _without_values(said) == shown
