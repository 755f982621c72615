"""Why an alert, in words: reason codes as sentences in English, Japanese and Chinese, as data."""

from streams.contracts.chances import percent_reached
from streams.contracts.common import LANGUAGES, LanguageTag
from streams.contracts.outputs.payloads import ChurnSignal, Texts

CHURN_REASONS: dict[str, Texts] = {
    "SILENCE_VS_HABIT": {
        "en": "silent for longer than usual",
        "ja": "普段より長く購入がありません",
        "zh": "比平时更久没有购买",
    },
    "LONG_SILENCE": {
        "en": "silent for long",
        "ja": "長期間購入がありません",
        "zh": "长时间没有购买",
    },
    "ONE_TIME_BUYER": {
        "en": "bought on one day only",
        "ja": "購入は一日だけです",
        "zh": "仅在一天内购买过",
    },
    "LOW_FREQUENCY": {"en": "buys seldom", "ja": "購入頻度が低いです", "zh": "购买频率低"},
    "SLOWING_DOWN": {
        "en": "the last gap between purchases was longer than usual",
        "ja": "前回の購入間隔が普段より長めでした",
        "zh": "上次购买间隔比平时长",
    },
    "SPEND_DROP": {
        "en": "spent less than usual last time",
        "ja": "前回の購入金額が普段より少なめでした",
        "zh": "上次消费低于平时",
    },
    "IRREGULAR": {"en": "buys irregularly", "ja": "購入が不規則です", "zh": "购买不规律"},
    "NEW_CUSTOMER": {"en": "is new", "ja": "新しいお客様です", "zh": "是新顾客"},
}
SIGNAL_REASONS: dict[str, Texts] = {
    "purchase_overdue": {
        "en": "the next purchase is overdue",
        "ja": "次回購入の予定時期を過ぎています",
        "zh": "已过预期购买时间",
    },
    "visit_drop": {
        "en": "has not visited for far longer than usual",
        "ja": "普段よりはるかに長く来訪がありません",
        "zh": "远比平时更久没有来访",
    },
    "basket_drop": {
        "en": "the baskets have shrunk",
        "ja": "購入単価が下がっています",
        "zh": "客单价下降",
    },
    "category_loss": {
        "en": "has left a favorite category",
        "ja": "好みのカテゴリーから離れています",
        "zh": "不再关注常购品类",
    },
    "complaint": {"en": "has complained", "ja": "苦情がありました", "zh": "有投诉"},
    "low_nps": {"en": "gave a low score", "ja": "アンケートの評価が低いです", "zh": "评分较低"},
    "cancel_page": {
        "en": "looked at the page for closing the account",
        "ja": "退会ページを閲覧しました",
        "zh": "浏览了注销账户页面",
    },
    "uninstall": {
        "en": "has uninstalled the app",
        "ja": "アプリを削除しました",
        "zh": "卸载了应用",
    },
    "unsubscribe": {"en": "has unsubscribed", "ja": "配信を停止しました", "zh": "已退订"},
    "offer_ignored": {
        "en": "dismisses offers",
        "ja": "オファーを見送っています",
        "zh": "多次忽略优惠",
    },
    "return_heavy": {"en": "returns a lot", "ja": "返品が多いです", "zh": "退货频繁"},
}
COMMAS: Texts = {"en": ", ", "ja": "、", "zh": "，"}
LITTLE_DATA = "LITTLE_DATA"
OTHER_REASONS: dict[str, Texts] = {
    LITTLE_DATA: {
        "en": "this shop has too little data yet for a risk of its own",
        "ja": "当店のデータがまだ少なく、リスクは参考値です",
        "zh": "本店数据尚少，风险仅供参考",
    },
    "NO_SINGLE_REASON": {
        "en": "no single reason stands out",
        "ja": "単独の要因はありません",
        "zh": "无单一突出原因",
    },
    "bought": {"en": "bought again", "ja": "再び購入がありました", "zh": "再次购买"},
    "risk_fell": {"en": "the risk has fallen", "ja": "リスクが下がりました", "zh": "风险已下降"},
}
ENDINGS: dict[str, Texts] = {
    "consent_withdrawn": {
        "en": "The case is closed: the person does not allow profiling",
        "ja": "本人がプロファイリングを許可していないため終了しました",
        "zh": "顾客不允许画像分析，案例已关闭",
    },
    "merged": {
        "en": "The case is closed: the person has another open case under another id",
        "ja": "同じお客様の別の案件に統合したため終了しました",
        "zh": "已并入同一顾客的另一个案例，案例已关闭",
    },
    "saved": {
        "en": "The case is closed: the CRM says that the person stays",
        "ja": "CRMから「引き止め成功」と報告されたため終了しました",
        "zh": "CRM报告顾客已挽回，案例已关闭",
    },
    "lost": {
        "en": "The case is closed: the CRM says that the person has left",
        "ja": "CRMから「離脱」と報告されたため終了しました",
        "zh": "CRM报告顾客已流失，案例已关闭",
    },
    "false_alarm": {
        "en": "The case is closed: the CRM says that it was a false alarm",
        "ja": "CRMから「誤検知」と報告されたため終了しました",
        "zh": "CRM报告为误报，案例已关闭",
    },
}
ALERT_REASONS = {**CHURN_REASONS, **SIGNAL_REASONS, **OTHER_REASONS}
ALERT_FRAMES: Texts = {
    "en": "Risk {risk} of no purchase in {days:.0f} days: {why}",
    "ja": "{days:.0f}日以内に購入がない確率{risk}：{why}",
    "zh": "{days:.0f}天内不购买的概率{risk}：{why}",
}
LAPSED_FRAMES: Texts = {
    "en": "The case is closed: no purchase for more than {days:.0f} days counts as lost",
    "ja": "{days:.0f}日を超えて購入がないため、離脱とみなして終了しました",
    "zh": "超过{days:.0f}天未购买，视为已流失，案例已关闭",
}

WORTH: Texts = {
    "en": " (odds x {lift:.1f})",
    "ja": "（オッズ×{lift:.1f}）",
    "zh": "（几率×{lift:.1f}）",
}
WORTH_LEARNED: Texts = {
    "en": " (odds x {lift:.1f}, from {cases} case{plural})",
    "ja": "（オッズ×{lift:.1f}、{cases}件の実績）",
    "zh": "（几率×{lift:.1f}，据{cases}例）",
}
LIFT_SAID_MIN = 1.05


def ended_text(why: str) -> Texts:
    """What the CRM manager reads of a case that ended without a score; `why` is in `ENDINGS`."""
    return ENDINGS[why]


def lapsed_text(horizon_days: float) -> Texts:
    """What is read of a case whose person counts as lost: what is so, and no risk beside it."""
    return {lang: LAPSED_FRAMES[lang].format(days=horizon_days) for lang in LANGUAGES}


def alert_text(
    risk: float, horizon_days: float, why: tuple[str, ...], signals: tuple[ChurnSignal, ...] = ()
) -> Texts:
    """What the CRM manager reads, in each language.

    Args:
        risk: as stated.
        horizon_days: of the risk.
        why: keys of `ALERT_REASONS`.
        signals: of the alert; one that is a reason and raised the risk says by how much.
    """
    raised: dict[str, ChurnSignal] = {s.code: s for s in signals if s.lift >= LIFT_SAID_MIN}
    return {
        lang: ALERT_FRAMES[lang].format(
            risk=percent_reached(risk),
            days=horizon_days,
            why=COMMAS[lang].join(_reason(code, raised.get(code), lang) for code in why),
        )
        for lang in LANGUAGES
    }


def _reason(code: str, raised: ChurnSignal | None, lang: LanguageTag) -> str:
    said = ALERT_REASONS[code][lang]
    if raised is None:
        return said
    frame = WORTH if raised.cases is None else WORTH_LEARNED
    plural = "" if raised.cases == 1 else "s"
    return said + frame[lang].format(lift=raised.lift, cases=raised.cases, plural=plural)
