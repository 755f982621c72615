"""The sentences of an explanation for a terminal, in English, Japanese and Chinese, as data."""

from typing import Final

from streams.admin.decision_words import texts
from streams.contracts.outputs.payloads import Texts

CIRCUMSTANCES: Final[Texts] = texts(
    "rule {rule}, {channel}, {placement}, arm {arm}",
    "ルール {rule}、{channel}、{placement}、グループ {arm}",
    "规则 {rule}，{channel}，{placement}，实验组 {arm}",
)
EVENT: Final[Texts] = texts(
    "{text} ({kind}, event {event})",
    "{text} ({kind}、イベント {event})",
    "{text} ({kind}，事件 {event})",
)
DRAWN_WITH: Final[Texts] = texts(
    "drawn with probability {probability}", "抽選確率 {probability}", "抽取概率 {probability}"
)
POSSIBLE: Final[Texts] = texts(
    "possible, with what each is worth ({equation} = priority):",
    "可能だったオファーとその価値（{equation} = 優先度）：",
    "可用的优惠及其价值（{equation} = 优先级）：",
)
EQUATION: Final[Texts] = texts("value - cost - fatigue", "価値 - 費用 - 疲労", "价值 - 成本 - 疲劳")
LEVER: Final[Texts] = texts("lever", "手動調整", "手动调整")
USED_BY: Final[Texts] = texts("used by {share}", "利用の見込み {share}", "预计使用率 {share}")
ANYWAY: Final[Texts] = texts(
    ", {share} of them anyway",
    "、うち{share}はオファーなしでも購入",
    "，其中{share}没有优惠也会购买",
)
ORDERS_ANYWAY: Final[Texts] = texts(
    " (orders what fits anyway: {share})",
    "（対象の注文を元々する見込み {share}）",
    "（本来就会下符合条件的订单：{share}）",
)
ADDS: Final[Texts] = texts(
    "; sent it adds {orders} orders, {margin} of margin",
    "；送ると増えるのは注文 {orders}、利益 {margin}",
    "；发送后增加订单 {orders}，毛利 {margin}",
)
WHAT_ADDING_IS: Final[Texts] = texts(
    "what sending adds is against sending nothing, over the time of a comparison (two attribution "
    "windows: 14 days unless the policies say otherwise), +- one standard error; the priority does "
    "not weigh it",
    "「送ると増える」は何も送らない場合との差で、期間は比較の期間（計測期間の2倍、ポリシーに指定が"
    "なければ14日）、+- は標準誤差一つ分です。優先度には含まれません",
    "“发送后增加”指与不发送相比，期间为一次比较的时间（归因窗口的两倍，策略未另行规定时为14天），"
    "+- 为一个标准误差；优先级不计入它",
)
EACH_DRAWN_WITH: Final[Texts] = texts(
    ", drawn with {probability}", "、抽選確率 {probability}", "，抽取概率 {probability}"
)
NO_OFFER_WITH: Final[Texts] = texts(
    "no offer, drawn with {probability}",
    "オファーなし、抽選確率 {probability}",
    "无优惠，抽取概率 {probability}",
)
NOT_POSSIBLE: Final[Texts] = texts("not possible:", "対象外：", "不可用：")
WHAT_MOVES: Final[Texts] = texts(
    "what moves the probability that {offer} is used:",
    "{offer} が利用される可能性を動かすもの：",
    "影响 {offer} 被使用的概率的因素：",
)
MOVES: Final[Texts] = texts(
    "{what}: {how} (odds x {odds})",
    "{what}：{how}（オッズ×{odds}）",
    "{what}：{how}（几率×{odds}）",
)
VERSIONS: Final[Texts] = texts(
    "policy {policy}, model {model}",
    "ポリシー {policy}、モデル {model}",
    "策略 {policy}，模型 {model}",
)
UPLIFT: Final[Texts] = texts(", uplift {uplift}", "、効果モデル {uplift}", "，增量模型 {uplift}")
NOT_KEPT: Final[Texts] = texts(
    "the model {model} is not kept any more",
    "モデル {model} はもう保存されていません",
    "模型 {model} 已不再保存",
)
NOTHING_MOVES: Final[Texts] = texts(
    "nothing learned moves it: it is what the owner expects",
    "学習した要因はまだなく、担当者の見込みどおりです",
    "尚无学到的影响因素：即负责人的预期",
)
