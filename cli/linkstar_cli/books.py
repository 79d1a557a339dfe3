"""What must hold of labeler's books, as SQL over its tables: apart from the code that posts, and trusting none of it.

Each law yields its cases as `name` and `broken`.
"""
# ruff: noqa: S608 - every part of a statement is a constant of this module

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GAPS", "LAWS", "LEDGER_SUM", "Law"]

_CHART = (
    "^(wallet|wallet_held|platform_funding|platform_fees|platform_costs|insurance_payable|carrier_claims"
    r"|carrier_(payable|disputed):[A-Za-z0-9][A-Za-z0-9._/+-]*)$"
)
_ALL = "($1::text IS NULL OR tenant = $1)"


@dataclass(frozen=True)
class Law:
    """One law: its name, what it says, and the query of its cases. `$1` is a tenant, or null for all."""

    name: str
    says: str
    cases: str

    @property
    def sql(self) -> str:
        """Count the cases and the broken ones, and name some of these."""
        return (
            "SELECT count(*) AS examined, count(*) FILTER (WHERE broken) AS violations, "
            "(array_agg(name ORDER BY name) FILTER (WHERE broken))[1:5] AS examples "
            f"FROM ({self.cases}) AS cases"
        )


# A posting id is `subject|kind|number`; what stands behind a dot in the kind tells parts of one posting set apart.
_ENTRIES = f"""
SELECT tenant, posting_id, shipment_id, currency, from_account, to_account, amount_minor,
       split_part(posting_id, '|', 2) AS part, split_part(split_part(posting_id, '|', 2), '.', 1) AS kind,
       split_part(posting_id, '|', 1) AS subject, split_part(posting_id, '|', 3) AS number
  FROM labeler.ledger_entry WHERE {_ALL}"""

_LABELS = f"""
WITH entry AS ({_ENTRIES}), paid AS (
  SELECT tenant, subject, number, currency, kind, count(*) FILTER (WHERE part = kind) AS times,
         sum(amount_minor) AS amount
    FROM entry WHERE kind IN ('capture', 'refund') GROUP BY 1, 2, 3, 4, 5
), aside AS (
  SELECT tenant, subject, number, currency,
         sum(CASE WHEN to_account = 'wallet_held' THEN amount_minor ELSE 0 END) AS held,
         sum(CASE WHEN to_account = 'wallet_held' THEN amount_minor ELSE -amount_minor END) AS left_over
    FROM entry WHERE 'wallet_held' IN (from_account, to_account) GROUP BY 1, 2, 3, 4
), label AS (
  SELECT l.tenant, l.tenant || '/' || l.shipment_id || ' attempt ' || l.route_version AS name, l.state,
         l.charged_minor AS charged, coalesce(c.times, 0) AS captures, coalesce(c.amount, 0) AS captured,
         coalesce(r.times, 0) AS refunds, coalesce(r.amount, 0) AS refunded, coalesce(p.state, '') AS purchase,
         strpos(l.shipment_id, '~R') > 0 AND p.state IS NULL AND coalesce(a.held, 0) = l.charged_minor AS on_scan,
         coalesce(a.left_over, 0) AS left_over, s.accepted
    FROM labeler.label l
    JOIN labeler.shipment s ON (s.tenant, s.shipment_id) = (l.tenant, l.shipment_id)
    LEFT JOIN labeler.purchase p
      ON (p.tenant, p.shipment_id, p.route_version) = (l.tenant, l.shipment_id, l.route_version)
    LEFT JOIN aside a ON (a.tenant, a.subject, a.number, a.currency)
              = (l.tenant, l.shipment_id, l.route_version::text, l.currency)
    LEFT JOIN paid c ON c.kind = 'capture' AND (c.tenant, c.subject, c.number, c.currency)
              = (l.tenant, l.shipment_id, l.route_version::text, l.currency)
    LEFT JOIN paid r ON r.kind = 'refund' AND (r.tenant, r.subject, r.number, r.currency)
              = (l.tenant, l.shipment_id, l.route_version::text, l.currency)
   WHERE ($1::text IS NULL OR l.tenant = $1)
) SELECT name, """

_BILLED = """
WITH billed AS (
  SELECT DISTINCT owner, shipment_id, currency, carrier || '.' || invoice_number || '.' || line AS reference, carrier, state,
         billed_minor - expected_minor AS variance
    FROM labeler.invoice_line WHERE ($1::text IS NULL OR owner = $1))"""

_POSTED_OR_WAITING = f"""
SELECT tenant, posting_id, currency, from_account, to_account, amount_minor FROM labeler.ledger_entry WHERE {_ALL}
UNION ALL
SELECT tenant, posting_id, currency, from_account, to_account, amount_minor FROM labeler.waiting_posting WHERE {_ALL}"""

LAWS = (
    Law(
        "two_legs", "every posting has two legs on accounts of the chart and sums to zero per currency",
        f"""SELECT tenant || '/' || posting_id AS name,
                   sum(amount_minor) <> 0 OR count(*) < 2 OR bool_or(account !~ '{_CHART}') AS broken
              FROM labeler.ledger_leg WHERE {_ALL} GROUP BY tenant, posting_id, currency""",
    ),
    Law(
        "balance_is_the_ledger", "the balance of each wallet is the sum of its ledger",
        f"""SELECT coalesce(w.tenant, l.tenant) || ' ' || coalesce(w.currency, l.currency) AS name,
                   w.balance_minor IS DISTINCT FROM coalesce(l.amount, 0) AS broken
              FROM (SELECT tenant, currency, balance_minor FROM labeler.wallet WHERE {_ALL}) w
              FULL JOIN (
                SELECT tenant, currency, sum(CASE WHEN to_account = 'wallet' THEN amount_minor ELSE -amount_minor END)
                       AS amount
                  FROM labeler.ledger_entry WHERE {_ALL} AND 'wallet' IN (from_account, to_account) GROUP BY 1, 2
              ) l ON (w.tenant, w.currency) = (l.tenant, l.currency)""",
    ),
    Law(
        "within_the_limit", "no wallet is below its credit limit",
        f"""SELECT tenant || ' ' || currency AS name, balance_minor + credit_limit_minor < 0 AS broken
              FROM labeler.wallet WHERE {_ALL}""",
    ),
    Law(
        "holds_end_once", "what a hold set aside is captured or given back once, never more than was held",
        f"""SELECT tenant || '/' || subject || ' attempt ' || number AS name,
                   sum(CASE WHEN to_account = 'wallet_held' THEN amount_minor ELSE -amount_minor END) < 0 AS broken
              FROM ({_ENTRIES}) e WHERE 'wallet_held' IN (from_account, to_account)
             GROUP BY tenant, subject, number, currency""",
    ),
    Law(
        "no_hold_outlives_its_purchase", "of a purchase that has ended nothing is held any more",
        f"""SELECT p.tenant || '/' || p.shipment_id || ' attempt ' || p.route_version AS name,
                   coalesce(sum(CASE WHEN to_account = 'wallet_held' THEN amount_minor ELSE -amount_minor END), 0)
                     <> CASE WHEN p.due_at IS NULL OR p.captured OR p.given_back THEN 0 ELSE l.charged_minor END AS broken
              FROM labeler.purchase p JOIN labeler.label l USING (tenant, shipment_id, route_version)
              LEFT JOIN ({_ENTRIES} AND 'wallet_held' IN (from_account, to_account)) e
                ON (e.tenant, e.subject, e.number) = (p.tenant, p.shipment_id, p.route_version::text)
             WHERE ($1::text IS NULL OR p.tenant = $1)
             GROUP BY p.tenant, p.shipment_id, p.route_version, p.due_at, p.captured, p.given_back, l.charged_minor""",
    ),
    Law(
        "one_capture", "every active label that costs something has one capture of its price, and no refund; one that is "
        "charged on its first scan from then on",
        f"{_LABELS} captures > 1 OR captured <> CASE WHEN on_scan AND NOT accepted THEN 0 ELSE charged END "
        "OR left_over <> CASE WHEN on_scan THEN charged - captured ELSE 0 END OR refunds > 0 OR refunded <> 0 AS broken "
        "FROM label WHERE state = 'active' AND charged > 0",
    ),
    Law(
        "one_refund", "every voided label that cost something has one capture and one refund of the same amount, unless its "
        "carrier has still to agree, or bills it all the same",
        f"{_LABELS} captures > 1 OR captured <> CASE WHEN on_scan THEN 0 ELSE charged END OR refunds > 1 OR refunded <> "
        "CASE WHEN purchase IN ('voiding', 'kept') THEN 0 ELSE captured END OR on_scan AND left_over <> 0 AS broken "
        "FROM label WHERE state = 'voided' AND charged > 0",
    ),
    Law(
        "unbought_is_unpaid", "a label that was not bought, or is a test, was never captured; one that was cancelled while "
        "it was being bought is, once, when its carrier bills it all the same",
        f"{_LABELS} captures > 1 OR refunded <> 0 OR captured NOT IN "
        "(0, CASE WHEN purchase = 'kept' THEN charged ELSE 0 END) AS broken "
        "FROM label WHERE state IN ('held', 'buying', 'withdrawn') OR charged = 0",
    ),
    Law(
        "every_posting_has_a_cause", "every posting belongs to a label, settlement, top-up, agreement or bill that is there",
        f"""{_BILLED} SELECT e.tenant || '/' || e.posting_id AS name, NOT CASE
                     WHEN e.kind IN ('hold', 'release', 'capture', 'refund') THEN l.shipment_id IS NOT NULL
                       AND e.shipment_id IS NOT DISTINCT FROM e.subject
                     WHEN e.kind = 'settlement' THEN e.part IN
                       ('settlement.claim_payout', 'settlement.refund', 'settlement.return_fee')
                       AND e.number <> '' AND e.shipment_id IS NOT DISTINCT FROM e.subject
                     WHEN e.subject = 'topup' THEN e.part <> '' AND e.number = ''
                       AND e.from_account = 'platform_funding' AND e.to_account = 'wallet'
                     WHEN e.kind IN ('adjustment', 'dispute') THEN b.owner IS NOT NULL
                     WHEN e.subject = 'rebate' THEN e.to_account = 'wallet' AND EXISTS (
                       SELECT FROM labeler.volume_agreement a WHERE a.tenant = e.tenant AND a.currency = e.number
                         AND e.part ~ '^20[0-9][0-9]-[0-9][0-9][.]' AND a.carrier = substr(e.part, 9))
                     ELSE false END AS broken
              FROM ({_ENTRIES}) e
              LEFT JOIN labeler.label l ON l.tenant = e.tenant AND l.shipment_id = e.subject
                AND l.route_version::text = e.number
              LEFT JOIN (SELECT DISTINCT owner, reference, coalesce(shipment_id, 'invoice') AS subject FROM billed) b
                ON (b.owner, b.reference, b.subject) = (e.tenant, e.number, e.subject)""",
    ),
    Law(
        "bills_are_settled", "what was adjusted or accepted of a bill is posted or waits, to the cent, and nothing else is",
        f"""{_BILLED}, settled AS (
              SELECT tenant, split_part(posting_id, '|', 3) AS reference, currency,
                     sum(CASE WHEN to_account LIKE 'carrier_payable:%' THEN amount_minor ELSE -amount_minor END) AS amount
                FROM ({_POSTED_OR_WAITING}) e WHERE split_part(posting_id, '|', 2) = 'adjustment' GROUP BY 1, 2, 3
            ), wanted AS (
              SELECT *, CASE WHEN state IN ('adjusted', 'accepted') OR (state IN ('lost', 'expired') AND variance < 0)
                        THEN variance ELSE 0 END AS amount FROM billed
            )
            SELECT w.owner || '/' || w.reference AS name, w.amount <> coalesce(s.amount, 0) AS broken
              FROM wanted w LEFT JOIN settled s ON (s.tenant, s.reference, s.currency) = (w.owner, w.reference, w.currency)
             WHERE w.amount <> 0 OR s.amount <> 0""",
    ),
    Law(
        "disputes_stand", "what is contested with each carrier is the excess of the open disputes",
        f"""{_BILLED}, contested AS (
              SELECT owner AS tenant, 'carrier_disputed:' || carrier AS account, currency, sum(variance) AS amount
                FROM billed WHERE state = 'disputed' AND variance > 0 GROUP BY 1, 2, 3
            ), leg AS (
              SELECT tenant, from_account AS account, currency, amount_minor AS amount FROM ({_POSTED_OR_WAITING}) e
              UNION ALL
              SELECT tenant, to_account, currency, -amount_minor FROM ({_POSTED_OR_WAITING}) e
            ), standing AS (
              SELECT tenant, account, currency, sum(amount) AS amount FROM leg
               WHERE account LIKE 'carrier_disputed:%' GROUP BY 1, 2, 3
            )
            SELECT tenant || ' ' || account || ' ' || currency AS name,
                   coalesce(c.amount, 0) <> coalesce(s.amount, 0) AS broken
              FROM contested c FULL JOIN standing s USING (tenant, account, currency)""",
    ),
    Law(
        "waiting_is_unposted", "a posting that waits for funds is not posted yet",
        f"""SELECT w.tenant || '/' || w.posting_id AS name, e.tenant IS NOT NULL AS broken
              FROM (SELECT tenant, posting_id FROM labeler.waiting_posting WHERE {_ALL}) w
              LEFT JOIN labeler.ledger_entry e USING (tenant, posting_id)""",
    ),
    Law(
        "append_only", "the service's role may add to the ledger, and neither change, delete nor empty it",
        """SELECT r.rolname || ' ' || p.privilege AS name,
                  has_table_privilege(r.rolname, 'labeler.ledger_entry', p.privilege) AS broken
             FROM pg_roles r CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) p (privilege)
            WHERE r.rolname = 'labeler' AND ($1::text IS NULL OR true)""",
    ),
)  # fmt: skip

LEDGER_SUM = f"SELECT coalesce(sum(amount_minor), 0)::bigint FROM labeler.ledger_leg WHERE {_ALL}"

GAPS = "SELECT coalesce(max(entry_id) - count(*), 0)::bigint FROM labeler.ledger_entry"
"""Numbers that no entry of the ledger has. Transactions that were rolled back leave such gaps too: they prove nothing."""
