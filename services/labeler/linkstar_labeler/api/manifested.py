"""What a closed manifest forbids: a label that the driver's paper names is not voided behind the paper's back."""

from __future__ import annotations

from linkstar_labeler.domain.manifests import MadeBy, ManifestState
from linkstar_labeler.domain.shipments import Shipment
from linkstar_labeler.store.manifests import manifest_of_label
from linkstar_runtime.handling import Transaction
from linkstar_runtime.problems import Problem

__all__ = ["refuse_manifested"]


async def refuse_manifested(tx: Transaction, shipment: Shipment) -> str:
    """Refuse the void of a label on a manifest of LinkStar's own, which the carrier bills by. Of one on a carrier's
    manifest, about which the carrier decides, return the manifest. The shipment is locked, so that no manifest takes the
    label meanwhile.
    """
    if shipment.accepted or shipment.label is None or not shipment.label.bought:
        return ""
    held_by = await manifest_of_label(tx, *shipment.key, shipment.label.route.version)
    if held_by is None:
        return ""
    number = held_by.manifest.key.manifest_id
    if held_by.manifest.made_by is MadeBy.LINKSTAR and held_by.manifest.state is ManifestState.CLOSED:
        raise Problem(
            409, "label_manifested", f"The label is on manifest {number}",
            fix=f"Reopen manifest {number}, void the label, and close the day again; or cancel the order.",
        )  # fmt: skip
    return number
