"""
What the registry will hold once what is owed is paid.

Whoever changes anything pays first, so a plan that takes an owed lock for open would show
drift that is none, and changes that nobody will make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import Document
from reconciler.model.live import LiveRepository
from reconciler.planning.debts import Debt


def paid_document(document: Document, debt: Debt | None) -> Document:
    """A document with the owed locks on, as far as the registry reports such attributes of it."""
    if debt is None:
        return document
    return {**document, **{name: lock for name, lock in debt.locks.items() if name in document}}


def paid_repository(live: LiveRepository, debts: Iterable[Debt]) -> LiveRepository:
    """A repository with the locks on that are owed in it; what is not there gets none."""
    owed: Mapping[Address, Debt] = {debt.address: debt for debt in debts if debt.address.repository == live.name}
    if not owed:
        return live
    own, tags, manifests = live.document, dict(live.tags), dict(live.manifests)
    for address, debt in owed.items():
        if address.tag in tags:
            tags[address.tag] = paid_document(tags[address.tag], debt)
        elif address.digest in manifests:
            known = manifests[address.digest]
            manifests[address.digest] = attrs.evolve(known, document=paid_document(known.document, debt))
        elif address.kind == "repository" and own is not None:
            own = paid_document(own, debt)
    return attrs.evolve(live, document=own, tags=tags, manifests=manifests)
