# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod's Secrets hold, and what is in the pod."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import Secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import CONFIGURATION
from ansible_collections.messaging.nats.plugins.module_utils._operations.mounted_config import (
    FILE_MARK,
    declared_files,
    file_differences,
    mounted_files,
)
from tests.support.certificates import certificate, issue


def pod(**volumes):
    mounts = [{"name": name, "mountPath": path} for name, (path, _volume) in volumes.items()]
    return {
        "metadata": {"name": "nats-0", "namespace": "n"},
        "spec": {
            "containers": [{"name": "nats", "volumeMounts": mounts}],
            "volumes": [{"name": name} | volume for name, (_path, volume) in volumes.items()],
        },
    }


NO_SECRETS: dict[str, dict[str, bytes]] = {}


def sha(content):
    return hashlib.sha256(content).hexdigest()


TLS = {"cert_file": "/etc/tls/tls.crt", "key_file": "/etc/tls/tls.key"}
LEAF = issue("leaf")
CONF = to_nats_conf({"server_metadata": {"revision": "7"}, "websocket": {"port": 1, "tls": TLS}}).encode()
CONFIG = ("/etc/nats", {"secret": {"secretName": "config"}})


def test_every_file_is_traced_to_its_secret():
    items = [{"key": "renamed", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}]
    mounted = pod(config=CONFIG, tls=("/etc/tls", {"secret": {"secretName": "tls", "items": items}}))
    secrets = {"config": {"nats.conf": CONF}, "tls": {"renamed": LEAF.pem, "tls.key": LEAF.key_pem}}
    found = declared_files(mounted, Secrets(secrets.get))
    hashes = {TLS["cert_file"]: sha(LEAF.pem), TLS["key_file"]: sha(LEAF.key_pem)}
    assert (found.hashes, found.problems) == ({CONFIGURATION: sha(CONF)} | hashes, ())
    assert (found.secret, found.certificates, found.revision) == (
        "Secret config",
        {"websocket": TLS["cert_file"]},
        "7",
    )


def test_all_files_of_a_mounted_secret_belong_to_it():
    """The kubelet writes all of them anew when one of them changes, so that a server has to load those that did not change, too."""
    mounted = pod(config=CONFIG, tls=("/etc/tls", {"secret": {"secretName": "tls"}}))
    data = {"tls.crt": LEAF.pem, "tls.key": LEAF.key_pem, "nats-3.crt": b"of another server"}
    found = declared_files(mounted, Secrets({"config": {"nats.conf": CONF}, "tls": data}.get))
    assert found.hashes["/etc/tls/nats-3.crt"] == sha(b"of another server")
    assert found.named(["/etc/tls/nats-3.crt"]) == "/etc/tls/nats-3.crt of Secret tls"


CA = issue("ca", ca=True)
OF_CA = issue("leaf", CA)
TLS_SECRET = {"tls.crt": LEAF.pem, "tls.key": LEAF.key_pem, "ca.crt": LEAF.pem}
ENV = [
    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"name": "CERT", "value": "/etc/tls/$(POD_NAME).crt"},
]


@pytest.mark.parametrize(
    ("block", "secrets", "said"),
    [
        ({"websocket": {"tls": TLS}}, {"tls": TLS_SECRET}, []),
        (
            {"websocket": {"tls": TLS}},
            {"tls": {"tls.crt": LEAF.pem}},
            ["tls.key of Secret tls, for listener websocket: it does not exist"],
        ),
        # What may not be read, or is not there yet, is not known.
        ({"websocket": {"tls": TLS}}, {}, []),
        (
            {"websocket": {"tls": TLS}},
            {"tls": TLS_SECRET | {"tls.key": OF_CA.key_pem}},
            ["tls.key of Secret tls, for listener websocket: it is not"],
        ),
        (
            {"tls": TLS},
            {"tls": TLS_SECRET | {"tls.crt": b"junk"}},
            ["tls.crt of Secret tls, for listener client: it is not a valid PEM"],
        ),
        (
            {"ws": {"tls": {"CERT_FILE": "/etc/tls/tls.crt"}}},
            {"tls": {"tls.crt": b"junk"}},
            ["tls.crt of Secret tls, for listener websocket"],
        ),
        # The CA beside a certificate signed it, and peers verify it with the CA of the block.
        (
            {"tls": TLS | {"ca_file": "/etc/tls/ca.crt"}},
            {"tls": TLS_SECRET | {"ca.crt": CA.pem}},
            ["tls.crt of Secret tls, for listener client: the certificate CN=leaf is not signed"],
        ),
        (
            {"cluster": {"tls": TLS | {"ca_file": "/etc/ca/ca.crt"}}},
            {"tls": TLS_SECRET, "ca": {"ca.crt": CA.pem}},
            [
                "tls.crt of Secret tls, for listener cluster: the certificate CN=leaf is not signed by any certificate in ca.crt of Secret ca"
            ],
        ),
        # The clients' CA is another one.
        (
            {"tls": TLS | {"ca_file": "/etc/ca/ca.crt", "verify": True}},
            {"tls": TLS_SECRET, "ca": {"ca.crt": CA.pem}},
            [],
        ),
        (
            {"tls": {"certs": [{"cert_file": "/etc/tls/tls.crt", "key_file": "/etc/tls/tls.key"}]}},
            {"tls": {"tls.crt": LEAF.pem, "tls.key": b""}},
            ["tls.key of Secret tls, for listener client"],
        ),
        (
            {"websocket": {"tls": {"cert_file": {"$env": "CERT"}}}},
            {"tls": {"nats-0.crt": b"junk"}},
            ["nats-0.crt of Secret tls, for listener websocket"],
        ),
        ({"websocket": {"tls": {"cert_file": {"$env": "NOT_KNOWN"}}}}, {"tls": {"nats-0.crt": b"junk"}}, []),
    ],
)
def test_which_files_of_which_secrets_are_checked(block, secrets, said):
    mounted = pod(
        config=CONFIG,
        tls=("/etc/tls", {"secret": {"secretName": "tls"}}),
        ca=("/etc/ca", {"projected": {"sources": [{"secret": {"name": "ca"}}]}}),
    )
    mounted["spec"]["containers"][0]["env"] = ENV
    found = declared_files(mounted, Secrets((secrets | {"config": {"nats.conf": to_nats_conf(block).encode()}}).get))
    told = [problem.sentence for problem in found.problems]
    assert [sentence[: len(begins)] for sentence, begins in zip(told, said, strict=True)] == said


@pytest.mark.parametrize(
    ("written", "loaded", "now", "late"),
    [
        (100, "1970-01-01T00:01:41Z", 200, False),
        (100, "1970-01-01T00:01:40.1Z", 200, False),
        (100, "1970-01-01T00:01:39.9Z", 200, True),
        # Written while the node's clock was ahead.
        (100, "1970-01-01T00:01:39Z", 99, False),
        (100, None, 200, False),
    ],
)
def test_a_file_that_came_after_the_load_is_not_loaded(written, loaded, now, late):
    mounted = pod(config=CONFIG, tls=("/etc/tls", {"secret": {"secretName": "tls"}}))
    wanted = declared_files(mounted, Secrets({"config": {"nats.conf": CONF}, "tls": TLS_SECRET}.get))
    hashed = "".join(f"{value}  {path}\n" for path, value in wanted.hashes.items())
    dated = f"{now} now\n200 {CONFIGURATION}\n{written} /etc/tls/tls.key\n"
    there = mounted_files(f"{hashed}{FILE_MARK}\n{dated}{FILE_MARK}\nvalid (sha256:ab)\n{FILE_MARK}\n", wanted)
    found = file_differences(wanted, there, {"config_digest": "sha256:ab", "config_load_time": loaded})
    assert found == (
        ["/etc/tls/tls.key of Secret tls was renewed after it had loaded its configuration"] if late else []
    )


def test_a_pod_without_a_secret_for_its_configuration_is_refused():
    with pytest.raises(NatsError, match=r"it mounts no Secret at /etc/nats/nats\.conf"):
        declared_files(pod(config=("/etc/nats", {"configMap": {"name": "config"}})), Secrets(NO_SECRETS.get))
    with pytest.raises(NatsError, match=r"Secret config holds no nats\.conf"):
        declared_files(pod(config=CONFIG), Secrets({"config": {}}.get))


def test_the_output_of_the_command_in_the_pod_is_read(tmp_path):
    ends = certificate(tmp_path, "a")
    wanted = declared_files(pod(config=CONFIG), Secrets({"config": {"nats.conf": CONF}}.get))
    said = f"{sha(CONF)}  {CONFIGURATION}\n{FILE_MARK}\n9 now\n{FILE_MARK}\nnats-server: it is valid (sha256:ab)\n{FILE_MARK}\n"
    there = mounted_files(said + (tmp_path / "a.crt").read_text(), wanted)
    assert (there.stale, there.digest, there.ends, there.problem) == ((), "sha256:ab", {"websocket": ends}, "")
    said = f'{sha(b"old")}  {CONFIGURATION}\n{FILE_MARK}\n9 now\n{FILE_MARK}\nnats-server: {CONFIGURATION}:1:0: unknown field "x"\n\n{FILE_MARK}\n'
    there = mounted_files(said, wanted)
    assert (there.stale, there.digest, there.ends) == ((CONFIGURATION,), "", {})
    assert there.problem == 'holds what the server refuses: 1:0: unknown field "x"'
