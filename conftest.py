# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let pytest find this checkout as ansible_collections.messaging.nats, wherever it lies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parent / ".cache" / "collections"

link = COLLECTIONS / "ansible_collections" / "messaging" / "nats"
link.parent.mkdir(parents=True, exist_ok=True)
with suppress(FileExistsError):
    link.symlink_to("../../../..")

sys.path.insert(0, str(COLLECTIONS))
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(COLLECTIONS.parent / "hypothesis")
