"""Why an offer, in words: trigger kinds as sentences in English, Japanese and Chinese, as data.

A sentence may say something of the offer ("You are right beside it"). Where that is not so of this
offer, the words of `OTHERWISE` stand instead, which are true of every offer; `claims` knows which.
"""

from collections.abc import Mapping

from streams.contracts.common import LANGUAGES
from streams.contracts.outputs.payloads import Texts
from streams.contracts.reference.structs import Offer, TriggerKind

OFFER_REASONS: dict[TriggerKind, Texts] = {
    "product_viewed": {
        "en": "You looked at something like it",
        "ja": "ご覧になった商品に関連するオファーです",
        "zh": "您刚看过类似的商品",
    },
    "cart_abandoned": {
        "en": "Something waits in your cart",
        "ja": "カートに商品が残っています",
        "zh": "您的购物车里还有商品",
    },
    "zone_entered": {
        "en": "You are right beside it",
        "ja": "すぐ近くの売り場の商品です",
        "zh": "就在您身边",
    },
    "zone_dwelled": {
        "en": "Something for what you are looking at",
        "ja": "ご覧の売り場のおすすめです",
        "zh": "您正在看的商品有优惠",
    },
    "application_opened": {
        "en": "Good to see you",
        "ja": "ご利用ありがとうございます",
        "zh": "很高兴见到您",
    },
    "search_without_result": {
        "en": "Your search found nothing. Perhaps this",
        "ja": "お探しの商品は見つかりませんでした。こちらはいかがですか",
        "zh": "没有找到您搜索的商品，也许您会喜欢这个",
    },
    "order_completed": {
        "en": "For your next purchase",
        "ja": "次回のお買い物に",
        "zh": "供您下次购物使用",
    },
    "churn_band_entered": {
        "en": "We have missed you",
        "ja": "お久しぶりです",
        "zh": "好久不见",
    },
    "first_purchase_due": {
        "en": "A welcome for your first order",
        "ja": "はじめてのお買い物に",
        "zh": "献给您的首次购物",
    },
    "second_purchase_due": {
        "en": "A welcome back for your second order",
        "ja": "2回目のお買い物に",
        "zh": "献给您的第二次购物",
    },
    "offer_requested": {"en": "For you", "ja": "あなたへのおすすめ", "zh": "为您推荐"},
}
FOR_YOU: Texts = OFFER_REASONS["offer_requested"]
IN_STORE: Texts = {
    "en": "While you are in the store",
    "ja": "ご来店ありがとうございます",
    "zh": "趁您在店里",
}
OTHERWISE: dict[TriggerKind, Texts] = {
    "product_viewed": FOR_YOU,
    "cart_abandoned": {
        "en": "Your cart is waiting. Also for you",
        "ja": "カートに商品が残っています。こちらもおすすめです",
        "zh": "您的购物车里还有商品，另外为您推荐",
    },
    "zone_entered": IN_STORE,
    "zone_dwelled": IN_STORE,
    "churn_band_entered": FOR_YOU,
    "first_purchase_due": FOR_YOU,
    "second_purchase_due": FOR_YOU,
}
COLONS: Texts = {"en": ": ", "ja": "：", "zh": "："}


def offer_texts(offer: Offer, reasons: Mapping[TriggerKind, Texts]) -> dict[TriggerKind, Texts]:
    """The offer's title behind each reason, by language; English where a title is missing."""
    english = offer.title.get("en", offer.offer_id)
    titles = {lang: COLONS[lang] + offer.title.get(lang, english) for lang in LANGUAGES}
    return {
        kind: {lang: words[lang] + titles[lang] for lang in LANGUAGES}
        for kind, words in reasons.items()
    }
