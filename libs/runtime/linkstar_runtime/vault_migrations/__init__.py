"""Tables of schema `vault`: the keys of the consignees."""
