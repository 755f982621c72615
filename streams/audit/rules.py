"""Every rule by its name; a new rule is a function and a row. `docs/audit.md` lists them."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from streams.audit import (
    alert_rules,
    budget_rules,
    contact_rules,
    crm_rules,
    log_rules,
    moment_rules,
    offer_rules,
    outcome_rules,
    priority_rules,
)
from streams.audit.verdicts import Answer


class Rule(NamedTuple):
    """A rule about one kind of output."""

    name: str
    about: Literal["offer", "decision", "alert", "outcome"]
    check: Callable[[Any], Answer]

    @property
    def says(self) -> str:
        """What must hold, in a sentence."""
        return (self.check.__doc__ or "").strip()


RULES: tuple[Rule, ...] = (
    Rule("logged", "offer", log_rules.logged),
    Rule("once", "offer", log_rules.once),
    Rule("person", "offer", moment_rules.right_person),
    Rule("erased", "offer", moment_rules.somebody),
    Rule("moment", "offer", moment_rules.moment),
    Rule("in_time", "offer", moment_rules.in_time),
    Rule("rule_on", "offer", moment_rules.rule_on),
    Rule("dwell", "offer", moment_rules.dwell),
    Rule("when", "offer", moment_rules.when),
    Rule("rearm", "offer", moment_rules.rearmed),
    Rule("cart_there", "offer", moment_rules.cart_there),
    Rule("cart_rested", "offer", moment_rules.cart_rested),
    Rule("in_zone", "offer", moment_rules.in_zone),
    Rule("zone_dwell", "offer", moment_rules.zone_dwell),
    Rule("zone_consent", "offer", moment_rules.zone_consent),
    Rule("case_open", "offer", moment_rules.case_open),
    Rule("still_new", "offer", moment_rules.still_new),
    Rule("purpose_consent", "offer", offer_rules.consent_to_purpose),
    Rule("channel_consent", "offer", offer_rules.consent_to_channel),
    Rule("holdout", "offer", contact_rules.holdout),
    Rule("offer_holdout", "offer", contact_rules.offer_holdout),
    Rule("arm", "offer", contact_rules.arm),
    Rule("caps", "offer", contact_rules.caps),
    Rule("calendar_day", "offer", contact_rules.calendar_day),
    Rule("min_gap", "offer", contact_rules.gap),
    Rule("quiet_hours", "offer", contact_rules.quiet_hours),
    Rule("known_offer", "offer", offer_rules.known_offer),
    Rule("paused", "offer", offer_rules.not_paused),
    Rule("live", "offer", offer_rules.live),
    Rule("channel", "offer", offer_rules.channel),
    Rule("trigger", "offer", offer_rules.trigger_kind),
    Rule("store", "offer", offer_rules.store),
    Rule("stock", "offer", offer_rules.stock),
    Rule("offer_cap", "offer", offer_rules.offer_cap),
    Rule("once_per_person", "offer", offer_rules.once_per_person),
    Rule("already_open", "offer", offer_rules.already_open),
    Rule("never_with", "offer", offer_rules.never_with),
    Rule("not_after", "offer", offer_rules.not_after),
    Rule("refused", "offer", offer_rules.not_refused),
    Rule("segment", "offer", offer_rules.segment),
    Rule("budget", "offer", budget_rules.budget),
    Rule("lever", "offer", priority_rules.lever),
    Rule("sent", "decision", log_rules.sent),
    Rule("logged_once", "decision", log_rules.entered_once),
    Rule("probabilities", "decision", log_rules.probabilities),
    Rule("chosen_probability", "decision", log_rules.chosen_probability),
    Rule("explored", "decision", log_rules.explored),
    Rule("withheld", "decision", log_rules.withheld),
    Rule("class_order", "decision", log_rules.class_order),
    Rule("logged_arm", "decision", contact_rules.arm),
    Rule("alert_once", "alert", alert_rules.once),
    Rule("alert_person", "alert", alert_rules.right_person),
    Rule("alert_erased", "alert", alert_rules.about_somebody),
    Rule("alert_consent", "alert", alert_rules.consent),
    Rule("one_case", "alert", alert_rules.one_case),
    Rule("transition", "alert", alert_rules.legal),
    Rule("enough_orders", "alert", alert_rules.enough_orders),
    Rule("armed", "alert", alert_rules.armed),
    Rule("silenced", "alert", crm_rules.silenced),
    Rule("bought_today", "alert", alert_rules.bought_today),
    Rule("band", "alert", alert_rules.band),
    Rule("stated_risk", "alert", alert_rules.stated),
    Rule("news", "alert", alert_rules.news),
    Rule("ending", "alert", alert_rules.ending),
    Rule("untreated", "alert", alert_rules.untreated),
    Rule("alert_offer", "alert", alert_rules.offered),
    Rule("recovery", "alert", alert_rules.recovery),
    Rule("silence", "alert", alert_rules.silence),
    Rule("evidence", "alert", alert_rules.evidence),
    Rule("case_left_open", "alert", alert_rules.left_open),
    Rule("risk", "alert", alert_rules.risk),
    Rule("outcome_person", "outcome", outcome_rules.right_person),
    Rule("outcome_consent", "outcome", outcome_rules.consent),
    Rule("outcome_case", "outcome", outcome_rules.of_a_case),
    Rule("outcome_once", "outcome", outcome_rules.once),
    Rule("outcome_when", "outcome", outcome_rules.when_over),
    Rule("outcome_result", "outcome", outcome_rules.result),
)
