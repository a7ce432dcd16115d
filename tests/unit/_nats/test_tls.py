# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a connection needs TLS, and what nats-py is told of it."""

from __future__ import annotations

import ssl

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions, is_required, tls_arguments


@pytest.mark.parametrize(
    ("tls", "servers", "required"),
    [
        (None, ["nats://n:4222"], False),
        (None, ["nats://n:4222", "tls://n:4222"], True),
        (TlsOptions(), ["nats://n:4222"], True),
    ],
)
def test_an_option_or_an_address_requires_tls(tls, servers, required):
    assert is_required(tls, servers) is required


def test_only_what_is_set_is_an_argument():
    assert list(tls_arguments(TlsOptions())) == ["tls"]
    arguments = tls_arguments(TlsOptions(server_name="n", handshake_first=True))
    assert isinstance(arguments.pop("tls"), ssl.SSLContext)
    assert arguments == {"tls_hostname": "n", "tls_handshake_first": True}


def test_files_that_can_not_be_used_are_refused():
    with pytest.raises(NatsError) as error:
        tls_arguments(TlsOptions(ca="/none.pem"))
    assert error.value.code == "INVALID_VALUE"
