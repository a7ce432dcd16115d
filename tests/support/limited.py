# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on loopback that limits what JetStream resources can have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import Cluster, login

SERVER_LIMITS = {"duplicate_window": "30s", "max_ack_pending": 500, "max_request_batch": 50}
ACCOUNT_LIMITS = {"max_ack_pending": 400}


@contextmanager
def one_server(folder: Path, limited: bool) -> Iterator[Cluster]:
    """One server with the user t0; with limits of its own and of the user's account, or without."""
    made = Cluster(folder, ["p1"], accounts=1)
    (server,) = made.servers
    configuration, more = made.configuration(server), {}
    if limited:
        account = {"T0": {"jetstream": ACCOUNT_LIMITS, "users": [login("t0")]}}
        more = {
            "jetstream": configuration["jetstream"] | {"limits": SERVER_LIMITS},
            "accounts": configuration["accounts"] | account,
        }
    made.start(server, **more)
    try:
        made.wait()
        yield made
    finally:
        made.stop(server)
