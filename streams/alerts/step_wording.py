"""What to do about a case, in words: English, Japanese and Chinese, as data."""

from streams.contracts.common import LANGUAGES, ChannelName, LanguageTag
from streams.contracts.outputs.payloads import NextStep, Recommended, Texts

CHANNELS: dict[ChannelName, Texts] = {
    "push": {"en": "push message", "ja": "プッシュ通知", "zh": "推送消息"},
    "email": {"en": "e-mail", "ja": "メール", "zh": "电子邮件"},
    "sms": {"en": "text message", "ja": "SMS", "zh": "短信"},
    "call_center": {"en": "phone", "ja": "電話", "zh": "电话"},
    "app": {"en": "app", "ja": "アプリ", "zh": "应用"},
    "web": {"en": "website", "ja": "サイト", "zh": "网站"},
    "store": {"en": "store", "ja": "店舗", "zh": "门店"},
}
NEXT_STEPS: dict[NextStep, Texts] = {
    "contact": {
        "en": "Next step: contact by {channel}",
        "ja": "次の対応：{channel}で連絡する",
        "zh": "下一步：通过{channel}联系",
    },
    "offer": {
        "en": "Next step: none, offer {offer} goes out ({channel})",
        "ja": "次の対応：不要、オファー{offer}を配信します（{channel}）",
        "zh": "下一步：无需处理，优惠{offer}即将发出（{channel}）",
    },
    "service_recovery": {
        "en": "Next step: settle the complaint by {channel}, send no coupon",
        "ja": "次の対応：{channel}で苦情を解決する（クーポンは送らない）",
        "zh": "下一步：通过{channel}处理投诉，不发优惠券",
    },
}
CONTROL_STEP: Texts = {
    "en": "Next step: none, this case is left untreated for comparison",
    "ja": "次の対応：なし（比較のため対応しない案件です）",
    "zh": "下一步：无，此案例作为对照不作处理",
}
STOPS: Texts = {"en": ". ", "ja": "。", "zh": "。"}


def with_next_step(texts: Texts, step: Recommended | None) -> Texts:
    """The text of an alert with what to do behind it; None: a control, to be left alone."""
    return {lang: f"{texts[lang]}{STOPS[lang]}{_step_in(step, lang)}" for lang in LANGUAGES}


def _step_in(step: Recommended | None, lang: LanguageTag) -> str:
    if step is None:
        return CONTROL_STEP[lang]
    return NEXT_STEPS[step.action][lang].format(
        channel=CHANNELS[step.channel][lang], offer=step.offer_id or ""
    )
