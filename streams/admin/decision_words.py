"""What the codes of the decision log mean, in English, Japanese and Chinese, as data."""

from typing import Final

from streams.contracts.outputs.payloads import Texts, Verdict, WhyNot


def texts(en: str, ja: str, zh: str) -> Texts:
    """One text in the three languages."""
    return {"en": en, "ja": ja, "zh": zh}


VERDICTS: Final[dict[Verdict, Texts]] = {
    "offer": texts("an offer was made", "オファーを送りました", "已发出优惠"),
    "no_offer": texts(
        "no offer: the draw chose to send nothing",
        "オファーなし：抽選の結果、何も送りません",
        "无优惠：抽取的结果是不发送",
    ),
    "nothing_eligible": texts(
        "no offer: none was possible", "オファーなし：対象がありません", "无优惠：没有可用的优惠"
    ),
    "holdout": texts(
        "no offer: the person is in the holdout, which shows what offers bring",
        "オファーなし：効果を測るための対照グループです",
        "无优惠：此人属于衡量效果的对照组",
    ),
    "deferred": texts("put off until later", "後で改めて判断します", "推迟到以后再决定"),
    "overtaken": texts(
        "no offer: what asked for it was over by then",
        "オファーなし：きっかけはすでに終わっていました",
        "无优惠：触发的原因那时已不存在",
    ),
    "stale": texts(
        "no offer: it would have come too late",
        "オファーなし：時機を逃していました",
        "无优惠：时机已过",
    ),
    "person_cap": texts(
        "no offer: the person has had as many messages as are allowed",
        "オファーなし：送信回数の上限に達しています",
        "无优惠：已达到发送次数上限",
    ),
    "min_gap": texts(
        "no offer: the last message is too recent",
        "オファーなし：前回の送信から間がありません",
        "无优惠：距上次发送时间太短",
    ),
    "no_consent": texts(
        "no offer: the person has not agreed to any on this channel",
        "オファーなし：このチャネルへの同意がありません",
        "无优惠：此人未同意该渠道",
    ),
}
WHY_NOT: Final[dict[WhyNot, Texts]] = {
    "paused": texts("it is paused", "停止中です", "已暂停"),
    "not_live": texts("it is not live at this time", "実施期間外です", "不在有效期内"),
    "wrong_channel": texts(
        "it is not for this channel", "このチャネルでは使えません", "不适用于该渠道"
    ),
    "wrong_trigger": texts(
        "it is not for this occasion", "このきっかけの対象外です", "不适用于该触发条件"
    ),
    "no_consent": texts(
        "the person has not agreed to its purpose or channel",
        "目的またはチャネルへの同意がありません",
        "未获得目的或渠道的同意",
    ),
    "not_in_segment": texts(
        "the person is not in its segment", "対象の顧客層ではありません", "不属于目标人群"
    ),
    "wrong_store": texts("it is for other stores", "他の店舗が対象です", "仅限其他门店"),
    "out_of_stock": texts("its product is out of stock", "商品が在庫切れです", "商品缺货"),
    "offer_cap": texts(
        "the person has had it as often as is allowed",
        "このオファーの上限に達しています",
        "该优惠已达到次数上限",
    ),
    "person_cap": texts(
        "the person has had as many messages as are allowed",
        "送信回数の上限に達しています",
        "已达到发送次数上限",
    ),
    "min_gap": texts(
        "the last message is too recent",
        "前回の送信から間がありません",
        "距上次发送时间太短",
    ),
    "quiet_hours": texts("it is night for the person", "深夜の時間帯です", "处于免打扰时段"),
    "overtaken": texts(
        "what asked for it was over by then",
        "きっかけはすでに終わっていました",
        "触发的原因那时已不存在",
    ),
    "stale": texts("it would have come too late", "時機を逃していました", "时机已过"),
    "already_redeemed": texts("it can be used once, and was", "すでに利用済みです", "已经使用过"),
    "already_open": texts(
        "the person still has it and can use it", "まだ利用できるものがあります", "仍有可用的该优惠"
    ),
    "refused": texts(
        "the person has said that it, or one like it, is not relevant",
        "関心がないと回答しています",
        "此人表示不感兴趣",
    ),
    "never_with": texts(
        "it does not go with another offer that the person has",
        "併用できないオファーがあります",
        "与已有的优惠不能同时使用",
    ),
    "too_soon_after": texts(
        "it comes too soon after another offer",
        "別のオファーから間がありません",
        "距另一优惠时间太短",
    ),
    "holdout": texts("the person is in the holdout", "対照グループです", "此人属于对照组"),
    "offer_holdout": texts(
        "the person is in the offer's own holdout and never gets it",
        "このオファー独自の対照グループに属し、受け取ることはありません",
        "此人属于该优惠自己的对照组，不会收到它",
    ),
    "outranked": texts(
        "an offer of a class that goes first was possible",
        "優先される区分のオファーがありました",
        "有优先级别更高的优惠可用",
    ),
    "budget": texts(
        "what is left of its budget is not enough for one more use",
        "予算の残りが利用一回分に足りません",
        "剩余预算不足以再使用一次",
    ),
}
WHY_CHANNEL: Final = texts(
    "by {channel}: there it brings most, after what a contact costs; answers expected: {rates}",
    "{channel}を選択：連絡費用を差し引いた価値が最大です。反応の見込み：{rates}",
    "选择{channel}：扣除联系成本后收益最大；预计回应率：{rates}",
)
WHY_LEVER: Final = texts(
    "the owner adds {amount} to the priority of {offer} by hand",
    "担当者が手動で{offer}の優先度に{amount}を加えています",
    "负责人手动将{offer}的优先级调整{amount}",
)
TRIGGERS: Final[dict[str, Texts]] = {
    "product_viewed": texts("a product was viewed", "商品を閲覧しました", "浏览了商品"),
    "cart_abandoned": texts("a cart was left", "カートが放置されました", "购物车被搁置"),
    "zone_entered": texts("a zone of a store was entered", "売り場に入りました", "进入了卖场区域"),
    "zone_dwelled": texts(
        "the person stayed in a zone of a store", "売り場に滞在しました", "在卖场区域停留"
    ),
    "application_opened": texts("the app was opened", "アプリを開きました", "打开了应用"),
    "search_without_result": texts(
        "a search found nothing", "検索結果がありませんでした", "搜索没有结果"
    ),
    "order_completed": texts("an order was made", "注文がありました", "完成了订单"),
    "first_purchase_due": texts(
        "a member has not bought in the usual time",
        "会員の初回購入が遅れています",
        "会员迟迟未首次购买",
    ),
    "second_purchase_due": texts(
        "a second purchase did not come in the usual time",
        "2回目の購入が遅れています",
        "第二次购买迟迟未到",
    ),
    "offer_requested": texts(
        "the shop asked for an offer", "オファーの照会がありました", "商店请求了优惠"
    ),
    "churn_band_entered": texts(
        "a churn case opened or grew", "離脱の兆候が現れました", "出现流失迹象"
    ),
}
FEATURES: Final[dict[str, Texts]] = {
    "own": texts(
        "how this offer has done so far", "このオファーのこれまでの実績", "该优惠至今的表现"
    ),
    "c.recency": texts(
        "how long ago the last order was", "最後の注文からの期間", "距上次下单的时间"
    ),
    "c.orders": texts("how often the person has ordered", "注文の回数", "下单次数"),
    "c.spend_week": texts("what was spent in a week", "直近1週間の購入額", "近一周的消费"),
    "c.spend_month": texts("what was spent in a month", "直近1か月の購入額", "近一月的消费"),
    "c.deal_share": texts("how often coupons are used", "クーポン利用の割合", "使用优惠券的比例"),
    "c.visits_week": texts("visits in a week", "直近1週間の訪問", "近一周的访问"),
    "c.session_views": texts("views in this visit", "今回の閲覧数", "本次访问的浏览量"),
    "c.session_dwell": texts("how long this visit is", "今回の滞在時間", "本次访问的时长"),
    "c.cart_value": texts("what the cart is worth", "カートの金額", "购物车金额"),
    "c.trigger_affinity": texts(
        "interest in what was looked at", "見ている商品への関心", "对所浏览商品的兴趣"
    ),
    "c.total_affinity": texts("interests as a whole", "全体的な関心", "总体兴趣"),
    "c.in_store": texts("being in a store", "店内にいること", "身在店内"),
    "c.zone_dwell": texts("the time in the zone", "売り場での滞在時間", "在区域停留的时间"),
    "c.at_product": texts("looking at a product", "商品を見ていること", "正在浏览商品"),
    "c.at_cart": texts("a cart that waits", "カートが残っていること", "购物车待结算"),
    "c.at_order": texts("an order just made", "注文直後であること", "刚刚下单"),
    "c.on_app": texts("being on the app", "アプリを使っていること", "正在使用应用"),
    "c.hour": texts("the time of day", "時間帯", "一天中的时间"),
    "c.weekend": texts("the weekend", "週末", "周末"),
    "c.trigger_price": texts(
        "the price of what was looked at", "見ている商品の価格", "所浏览商品的价格"
    ),
    "c.offers_sent": texts("offers of late", "最近のオファーの数", "近期收到的优惠"),
    "c.offers_used": texts("offers used", "利用したオファー", "使用过的优惠"),
    "c.since_offer": texts(
        "the time since the last offer", "前回のオファーからの時間", "距上次优惠的时间"
    ),
    "c.tenure": texts("how long the person is known", "利用開始からの期間", "成为顾客的时间"),
    "c.churn_risk": texts("the risk of leaving", "離脱のリスク", "流失风险"),
    "o.affinity": texts(
        "interest in what the offer is for", "対象商品への関心", "对优惠商品的兴趣"
    ),
    "o.looked_at": texts("its products were looked at", "対象商品を閲覧したこと", "浏览过优惠商品"),
    "o.price_cut": texts("it cuts the price", "値引きであること", "属于降价优惠"),
    "o.depth": texts("how much it takes off", "値引きの大きさ", "优惠力度"),
    "o.min_spend": texts("its minimum spend", "最低利用金額", "最低消费"),
    "o.duration": texts("how long it is good", "有効期間", "有效期长短"),
    "o.expected_rate": texts(
        "what its owner expects of it", "担当者の期待する利用率", "负责人预期的使用率"
    ),
    "o.own_brand": texts("it is for an own brand", "自社ブランドが対象", "自有品牌"),
}
RAISES: Final[Texts] = texts("raises the probability", "可能性を高めます", "提高可能性")
LOWERS: Final[Texts] = texts("lowers the probability", "可能性を下げます", "降低可能性")
