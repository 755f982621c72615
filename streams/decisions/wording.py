"""Why an offer, in words: trigger kinds as sentences in English, Japanese and Chinese, as data."""

from streams.contracts.common import LANGUAGES
from streams.contracts.outputs.payloads import Texts
from streams.contracts.reference.structs import Offer, TriggerKind

OFFER_REASONS: dict[TriggerKind, Texts] = {
    "product_viewed": {
        "en": "You looked at something like it",
        "ja": "ご覧になった商品に関連しています",
        "zh": "您刚看过类似的商品",
    },
    "cart_abandoned": {
        "en": "Something waits in your cart",
        "ja": "カートに商品が残っています",
        "zh": "您的购物车里还有商品",
    },
    "zone_entered": {
        "en": "You are right beside it",
        "ja": "すぐ近くにあります",
        "zh": "就在您身边",
    },
    "zone_dwelled": {
        "en": "Something for what you are looking at",
        "ja": "ご覧の売り場のおすすめです",
        "zh": "您正在看的商品有优惠",
    },
    "application_opened": {"en": "Good to see you", "ja": "ようこそ", "zh": "欢迎回来"},
    "search_without_result": {
        "en": "Perhaps this instead",
        "ja": "代わりにこちらはいかがですか",
        "zh": "也许您会喜欢这个",
    },
    "order_completed": {"en": "For your next visit", "ja": "次回のご来店に", "zh": "供您下次使用"},
    "churn_band_entered": {
        "en": "We have missed you",
        "ja": "お久しぶりです",
        "zh": "我们很想念您",
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


def offer_text(offer: Offer, trigger_kind: TriggerKind) -> Texts:
    """The offer's title behind the reason, in each language; English where a title is missing."""
    english = offer.title.get("en", offer.offer_id)
    reasons = OFFER_REASONS[trigger_kind]
    return {lang: f"{reasons[lang]}: {offer.title.get(lang, english)}" for lang in LANGUAGES}
