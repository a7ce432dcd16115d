# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A certificate authority of a cluster's own, and the certificates that it signs. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    HAS_CRYPTOGRAPHY,
    begins,
    dns_names,
    ends,
    first_certificate,
    is_signed_by,
    key_fits,
)

if HAS_CRYPTOGRAPHY:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

AUTHORITY_LIFETIME, LIFETIME = timedelta(days=3650), timedelta(days=730)
# Clocks of nodes differ, and a certificate has to be valid for each of them at once.
BACKDATED = timedelta(hours=1)
# Two authorities with one name, and no key identifiers, can't be told apart by a verifier that trusts both.
GENERATION = re.compile(r"CA (\d+)$")
MAX_COMMON_NAME = 64


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM."""

    certificate: str
    key: str

    @property
    def is_usable(self) -> bool:
        """Whether both can be read and belong together."""
        return first_certificate(self.certificate) is not None and key_fits(self.key, self.certificate)


def new_authority(owner: str, generation: int) -> KeyPair:
    """An authority for one purpose of one cluster, as `routes of nats/nats`."""
    suffix = f", CA {generation}"
    name = _name(owner[: MAX_COMMON_NAME - len(suffix)] + suffix)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _begun(name, name, key, AUTHORITY_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def generation(certificate: str) -> int:
    """The number of an authority that this module made; 0 for any other."""
    read = first_certificate(certificate)
    found = GENERATION.search(read.subject.rfc4514_string()) if read is not None else None
    return int(found[1]) if found else 0


def issue(authority: KeyPair, names: Sequence[str]) -> KeyPair:
    """A certificate for these names, for both sides of a connection, that does not outlive its authority."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signing: Any = serialization.load_pem_private_key(authority.key.encode(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    lifetime = min(LIFETIME, ends(issuer) - datetime.now(timezone.utc))
    builder = _begun(_name(names[0][:MAX_COMMON_NAME]), issuer.subject, key, lifetime)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
        critical=False,
    )
    return _pair(builder.sign(signing, hashes.SHA256()), key)


def is_due(certificate: str, now: datetime | None = None) -> bool:
    """Whether less than a third of a certificate's lifetime is left, or it can't be read."""
    read, moment = first_certificate(certificate), now or datetime.now(timezone.utc)
    return read is None or ends(read) - moment < (ends(read) - begins(read)) / 3


def is_expired(certificate: str, now: datetime | None = None) -> bool:
    """Whether a certificate is not valid any more, or can't be read."""
    read = first_certificate(certificate)
    return read is None or ends(read) <= (now or datetime.now(timezone.utc))


def names_of(certificate: str) -> set[str]:
    """The DNS names that a certificate is valid for."""
    read = first_certificate(certificate)
    return dns_names(read) if read is not None else set()


def signed_by(certificate: str, authority: str) -> bool:
    """Whether the first of these certificates was signed by the second."""
    read, issuer = first_certificate(certificate), first_certificate(authority)
    return read is not None and issuer is not None and is_signed_by(read, issuer)


def _name(common: str) -> Any:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _begun(subject: Any, issuer: Any, key: Any, lifetime: timedelta) -> Any:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - BACKDATED).not_valid_after(now + lifetime)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(signs_certificates: bool) -> Any:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: Any, key: Any) -> KeyPair:
    form, secrecy = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, form, secrecy).decode()
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM).decode(), written)
