# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Keeps, issues and renews the certificates of a cluster's own authority. PRIVATE to the collection: it can change at any time.

Two Secrets hold all that is known: one the authority with its key, which no pod mounts, the other the certificates and the
authorities that are trusted. So a rotation that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    CERTIFICATE,
    first_certificate,
    not_after,
    same_certificate,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.listener_files import decoded
from ansible_collections.messaging.nats.plugins.module_utils._config.own_authority import (
    KeyPair,
    generation,
    is_due,
    is_expired,
    issue,
    names_of,
    new_authority,
    signed_by,
)

AUTHORITY_FILES = ("tls.crt", "tls.key")
BUNDLE = "ca.crt"
# What may change beside what has to: nothing; a new authority becomes trusted beside the old one; its certificates take the place
# of the others; the old authority is trusted no more. A server that does not trust an authority yet refuses its certificates.
STAGES = ("keep", "trust", "issue", "drop")


@dataclass(frozen=True)
class Stored:
    """What the two Secrets hold."""

    authority: KeyPair
    trusted: tuple[str, ...]
    leaves: Mapping[str, KeyPair]
    # Those of servers that are not there any more.
    others: dict[str, KeyPair]

    def all_signed_by(self, authority: str) -> bool:
        return all(signed_by(leaf.certificate, authority) for leaf in self.leaves.values())


def own_certificates(
    secrets: Iterable[Mapping[str, Any]],
    authority_secret: str,
    secret: str,
    leaves: Mapping[str, Sequence[str]],
    owner: str,
    stage: str = "keep",
) -> dict[str, Any]:
    """The data of both Secrets, and what is new in it. `leaves` has the names of each certificate by the name of its file without `.crt`.

    A certificate is kept until less than a third of its lifetime is left, or it does not fit any more.
    """
    stored = _stored(secrets, authority_secret, secret, leaves)
    authority = _authority(stored, owner, stage)
    trusted = _trusted(stored, authority, stage)
    is_loaded = not stored.trusted or any(same_certificate(pem, authority.certificate) for pem in stored.trusted)
    issuing = _Issuing(authority, trusted, stage, is_loaded)
    found = {name: issuing.kept_or_issued(stored.leaves.get(name), names) for name, names in leaves.items()}
    files = {BUNDLE: "".join(f"{pem}\n" for pem in trusted)}
    # A certificate of a server that left stays until the next rotation: servers would have to load all files again without it.
    others = stored.others if stage == "keep" else {}
    for name, pair in (others | found).items():
        files |= {f"{name}.crt": pair.certificate, f"{name}.key": pair.key}
    return {
        "authority_is_due": is_due(authority.certificate),
        "authority": dict(zip(AUTHORITY_FILES, (authority.certificate, authority.key), strict=True)),
        "files": files,
        "signed_by": generation(authority.certificate),
        "issued": [name for name, pair in found.items() if pair != stored.leaves.get(name)],
        "ends": min(not_after(first_certificate(pair.certificate)) for pair in found.values()),
    }


def _stored(secrets: Iterable[Mapping[str, Any]], authority_secret: str, secret: str, leaves: Iterable[str]) -> Stored:
    data = {
        str(found["metadata"]["name"]): {
            key: value.decode(errors="replace") for key, value in decoded({**found}).items()
        }
        for found in secrets
    }
    authority, files = data.get(authority_secret, {}), data.get(secret, {})
    pairs = {
        name: KeyPair(text, files.get(f"{name}.key", ""))
        for file, text in files.items()
        if file.endswith(".crt") and file != BUNDLE and (name := file.removesuffix(".crt"))
    }
    declared = {*leaves}
    return Stored(
        KeyPair(authority.get("tls.crt", ""), authority.get("tls.key", "")),
        tuple(CERTIFICATE.findall(files.get(BUNDLE, ""))),
        {name: pair for name, pair in pairs.items() if name in declared},
        {name: pair for name, pair in pairs.items() if name not in declared},
    )


def _authority(stored: Stored, owner: str, stage: str) -> KeyPair:
    """The authority that signs: the stored one, or a new one where a rotation begins or there is none."""
    current = stored.authority
    changing = len(stored.trusted) > 1 or not stored.all_signed_by(current.certificate)
    if current.is_usable and not is_expired(current.certificate) and (stage != "trust" or changing):
        return current
    last = max((generation(pem) for pem in (current.certificate, *stored.trusted)), default=0)
    return new_authority(owner, last + 1)


def _trusted(stored: Stored, authority: KeyPair, stage: str) -> tuple[str, ...]:
    own = CERTIFICATE.findall(authority.certificate)
    if stage == "drop" and stored.all_signed_by(authority.certificate):
        return tuple(own)
    known = [pem for pem in stored.trusted if not same_certificate(pem, authority.certificate)]
    return (*known, *own)


@dataclass(frozen=True)
class _Issuing:
    """What decides whether a certificate is kept."""

    authority: KeyPair
    trusted: Sequence[str]
    stage: str
    # Whether servers trust the authority already, or there are none yet.
    is_loaded: bool

    def kept_or_issued(self, stored: KeyPair | None, names: Sequence[str]) -> KeyPair:
        if stored is None or not stored.is_usable or is_expired(stored.certificate):
            return issue(self.authority, names)
        must_be_new = self.stage in ("issue", "drop") and not signed_by(stored.certificate, self.authority.certificate)
        is_trusted = any(signed_by(stored.certificate, pem) for pem in self.trusted)
        # A server that does not trust the authority yet would refuse its certificate, while the old one is still good.
        is_due_now = is_due(stored.certificate) and self.is_loaded
        valid_for = names_of(stored.certificate)
        if must_be_new or not is_trusted or is_due_now or not valid_for >= set(names):
            # What it was valid for stays: others may connect by a name that this play does not know.
            return issue(self.authority, [*names, *sorted(valid_for - set(names))])
        return stored
