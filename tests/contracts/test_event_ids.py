"""`ce_id` is a function of the fact: equal facts have equal ids, distinct facts distinct ones."""

from __future__ import annotations

import subprocess
import sys

import pytest
from contracts.golden import GOLDENS, Golden
from hypothesis import given
from hypothesis import strategies as st

from linkstar_contracts.event import event_id
from linkstar_contracts.events import EVENTS

tenants = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)
aggregates = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:#~/+-]{0,99}", fullmatch=True)
facts = st.tuples(tenants, aggregates, st.sampled_from(sorted(EVENTS)), st.integers(1, 10**9))


@given(st.sets(facts, min_size=2, max_size=20))
def test_distinct_facts_have_distinct_ids(found: set[tuple[str, str, str, int]]) -> None:
    assert len({event_id(*fact) for fact in found}) == len(found)


def test_parts_do_not_run_into_each_other() -> None:
    near = [("a", "b-1", "t", 1), ("a", "b", "t", 11), ("a-b", "1", "t", 1), ("a", "b-", "t", 11)]
    assert len({event_id(*fact) for fact in near}) == len(near)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_id_depends_on_the_fact_alone(golden: Golden) -> None:
    event = golden.event()
    assert event.ce_id == golden.headers["ce_id"]
    later = event.model_copy(update={"occurred_at": event.occurred_at.replace(year=2030)})
    assert later.ce_id == event.ce_id
    assert event.model_copy(update={"version": event.version + 1}).ce_id != event.ce_id
    assert event.model_copy(update={"tenant": "other"}).ce_id != event.ce_id


def test_goldens_that_tell_one_fact_share_an_id_and_no_others() -> None:
    stated = {
        tuple(golden.headers[f"ce_{part}"] for part in ("tenant", "subject", "type", "version")) for golden in GOLDENS
    }
    assert len({golden.headers["ce_id"] for golden in GOLDENS}) == len(stated)


def test_another_process_computes_the_same_id() -> None:
    fact = ("demo", "shopify-1001", "linkstar.order.received.v1", 1)
    program = f"from linkstar_contracts.event import event_id; print(event_id(*{fact}))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {event_id(*fact) + "\n"}
