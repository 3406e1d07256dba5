"""Names for people who do not exist: common surnames and given names, put together at random."""

from random import Random

# The commoner a surname is in Sichuan, the earlier it stands; see `invented_name`.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜"
    "崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武莫孔向汤游甘包冉文"
)
TWO_CHARACTER_SURNAMES = ("欧阳", "上官", "司马", "诸葛")
GIVEN_NAMES = {
    "old": (
        "建国 国华 国强 志明 明华 德全 德明 文忠 光荣 光明 世荣 世华 永福 永贵 成林 成贵 长寿 大全 正华 正清 "
        "秀英 桂芳 桂兰 玉珍 玉兰 玉芬 素芳 素珍 淑芬 淑华 月英 月华 兰英 翠英 翠兰 光珍 光碧 世碧 永秀 长秀 仕芳 仁碧 "
        "代英 显珍 祖英 天秀"
    ).split(),
    "grown": (
        "伟 强 军 勇 涛 超 斌 刚 平 辉 波 鹏 杰 建华 志强 小军 小平 海涛 海波 晓东 晓峰 正伟 永刚 明强 光辉 中华 "
        "丽 敏 静 艳 燕 娟 霞 玲 梅 红梅 小红 小燕 晓燕 晓琴 春梅 春燕 丽华 丽娟 海燕 建琼 小琼 小蓉 蓉 琼 "
        "雪梅 冬梅 利华 利蓉 洪英"
    ).split(),
    "young": (
        "浩 宇 磊 鑫 俊 旭 阳 凯 浩然 子轩 宇航 俊杰 天宇 志鹏 嘉豪 泽宇 梓豪 俊熙 "
        "婷 雪 欣 倩 莉 颖 佳怡 雨欣 梓涵 诗雨 思琪 欣怡 雅婷 梦琪 佳慧 语桐 可欣"
    ).split(),
}


def invented_surname(random: Random) -> str:
    """A surname; the common ones come often, a two-character one seldom."""
    if random.random() < 0.004:
        return random.choice(TWO_CHARACTER_SURNAMES)
    return SURNAMES[int(len(SURNAMES) * random.random() ** 1.8)]


def invented_name(random: Random, generation: str, surname: str | None = None) -> str:
    """A full name of the generation `old`, `grown` or `young`."""
    return (surname or invented_surname(random)) + random.choice(GIVEN_NAMES[generation])
