"""A quotation: what a seller's mix of shipments would cost, service by service, and from which volume on it pays."""
