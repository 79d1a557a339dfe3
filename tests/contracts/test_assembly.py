"""A model put together from validated parts is the model that validation makes of them, byte for byte."""

from __future__ import annotations

import pytest
from contracts.golden import GOLDENS, Golden

from linkstar_contracts.assembly import assembled


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_an_assembled_event_is_the_validated_one_in_whatever_order_its_parts_are_named(golden: Golden) -> None:
    event = golden.event()
    made = assembled(type(event), dict(reversed(list(dict(event).items()))))
    assert (made, made.body(), hash(made)) == (event, event.body(), hash(event))
    assert made.model_copy(update={"version": 7}) == event.model_copy(update={"version": 7})


def test_a_part_that_is_left_out_is_an_error() -> None:
    event = GOLDENS[0].event()
    with pytest.raises(KeyError, match="version"):
        assembled(type(event), {name: value for name, value in event if name != "version"})
