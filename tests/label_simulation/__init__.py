"""Random worlds of label purchases: the product's own buyer and reconciler among faults, in virtual time."""
