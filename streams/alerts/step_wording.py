"""What to do about a case and what to say, in words: English, Japanese and Chinese, as data."""

from streams.alerts.wording import COMMAS
from streams.contracts.common import LANGUAGES, ChannelName, LanguageTag
from streams.contracts.outputs.payloads import ChurnSignalCode, NextStep, Recommended, Texts

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
        "en": "Next step: settle the complaint{cases} by {channel}, send no coupon",
        "ja": "次の対応：{channel}で苦情{cases}を解決する（クーポンは送らない）",
        "zh": "下一步：通过{channel}处理投诉{cases}，不发优惠券",
    },
}
SAID: dict[ChurnSignalCode, Texts] = {
    "low_nps": {
        "en": "Thank you for your honest answer. What can we do better for you?",
        "ja": "率直なご意見をありがとうございました。改善すべき点をお聞かせください。",
        "zh": "感谢您坦诚的反馈。请告诉我们，哪些地方可以为您做得更好？",
    },
    "return_heavy": {
        "en": "Some of your orders came back. What did not fit, and can we help you to choose?",
        "ja": "ご返品が続いたようです。お気に召さなかった点をお聞かせください。",
        "zh": "您的部分订单已退回。请问哪里不合适？我们很乐意帮您挑选。",
    },
    "unsubscribe": {
        "en": "We will write less. Which news do you care for, and how often?",
        "ja": "お知らせの数を減らします。ご興味のある内容と、ご希望の頻度をお聞かせください。",
        "zh": "我们会减少打扰。您想收到哪些消息，多久一次合适？",
    },
    "uninstall": {
        "en": "Did something about our app not work for you? We would like to mend it.",
        "ja": "アプリで使いにくい点はありませんでしたか。改善に役立てたく、お聞かせください。",
        "zh": "我们的应用有什么让您不便的地方吗？我们希望改进。",
    },
    "cancel_page": {
        "en": "Is there anything that we can do better for you?",
        "ja": "私どもに改善できる点がございましたら、お聞かせください。",
        "zh": "有什么我们可以为您做得更好的吗？",
    },
}
"""What may be said to somebody who gave this signal, in place of `GREETING`."""
GREETING: Texts = {
    "en": "We have not seen you for a while. Is there anything that we can help you to find?",
    "ja": "ご無沙汰しております。何かお探しのものがございましたら、お手伝いいたします。",
    "zh": "好久不见。有什么可以帮您找的吗？",
}
APOLOGY: Texts = {
    "en": "We are sorry for what went wrong. How can we put it right?",
    "ja": "ご迷惑をおかけし、申し訳ございません。解決に向けてお話をお聞かせください。",
    "zh": "对于给您带来的不便，我们深表歉意。请告诉我们怎样为您妥善解决。",
}
CONTROL_STEP: Texts = {
    "en": "Next step: none, this case is left untreated for comparison",
    "ja": "次の対応：なし（比較のため対応しない案件です）",
    "zh": "下一步：无，此案例作为对照不作处理",
}
SERVICE_CASES: Texts = {"en": " (case {ids})", "ja": "（案件{ids}）", "zh": "（案例{ids}）"}
SERVICE_CASES_SAID_MAX = 2
STOPS: Texts = {"en": ". ", "ja": "。", "zh": "。"}


def with_next_step(texts: Texts, step: Recommended | None) -> Texts:
    """The text of an alert with what to do behind it; None: a control, to be left alone."""
    return {lang: f"{texts[lang]}{STOPS[lang]}{_step_in(step, lang)}" for lang in LANGUAGES}


def _step_in(step: Recommended | None, lang: LanguageTag) -> str:
    if step is None:
        return CONTROL_STEP[lang]
    return NEXT_STEPS[step.action][lang].format(
        channel=CHANNELS[step.channel][lang],
        offer=step.offer_id or "",
        cases=_service_cases(step, lang),
    )


def _service_cases(step: Recommended, lang: LanguageTag) -> str:
    """The newest service cases that are open; nothing where the complaint is a signal alone."""
    ids = step.service_case_ids[-SERVICE_CASES_SAID_MAX:]
    return SERVICE_CASES[lang].format(ids=COMMAS[lang].join(ids)) if ids else ""
