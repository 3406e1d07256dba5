"""The words of screens, paper and messages: one word for one thing, and none that reassures falsely."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "webapp/translations/zh_Hans/LC_MESSAGES/messages.po"
# Texts in Chinese that stand outside the catalogue: templates, seeds, demo data, words in scripts.
ELSEWHERE = [
    *ROOT.glob("webapp/templates/**/*.html"),
    *ROOT.glob("webapp/templates/**/*.txt"),
    *ROOT.glob("webapp/**/*.json"),
    *ROOT.glob("assets/js/**/*.js"),
]

# Nobody has to read an order, and nothing is "being handled" until a person has pressed a button.
FALSE_COMFORT = ("处理中", "已受理", "已解决")
# The right-hand words are what the field says instead.
AVOIDED = {
    "批次": "轮次, 这一批",
    "截止时间戳": "截单",
    "套餐": "蔬菜包",
    "爱心包": "(no word)",
    "爱心蔬菜包": "(no word)",
    "等待队列": "排队",
    "代理用户": "代办人",
    "凭证": "服务卡",
    "审核中": "待核实",
    "工单": "代购代办",
    "流转": "转办",
    "逾期": "超时",
    "缺口率": "缺 2 人",
    "波次": "第1批通知",
    "签入": "点名",
    "行程": "就医接送",
    "健康码": "就医通行证",
    "关怀模式": "大字",
    "离线缓存": "还没发出",
    "活跃度": "平安信号",
    "严禁": "(say what to do)",
    "请勿": "请不要",
}
# The slip of somebody who was called up; no other paper is called so.
SLIP = "应召凭证"
# 亲 is no way to speak to a neighbour; 母亲, 亲自 and the like are.
CHUMMY = re.compile(r"(?<![母父双])亲(?![自人属手口友])")
INFORMAL = re.compile(r"你")


def sentences(*, is_on_paper: bool = True) -> list[tuple[str, str]]:
    """Every Chinese sentence of the catalogue with its English, with or without those of printed sheets."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    found = []
    for message in catalogue:
        if message.id and (is_on_paper or not any("/pdf/" in path for path, _line in message.locations)):
            english = message.id if isinstance(message.id, str) else message.id[0]
            texts = [message.string] if isinstance(message.string, str) else message.string
            found += [(english, text) for text in texts]
    return found


@pytest.fixture(scope="module")
def said() -> list[tuple[str, str]]:
    found = sentences()
    assert len(found) > 100
    return found


def test_no_word_says_that_somebody_handles_what_nobody_has_taken(said):
    elsewhere = [(path.name, path.read_text(encoding="utf-8")) for path in ELSEWHERE]
    assert len(elsewhere) > 20
    wrong = [(where, word) for where, text in [*said, *elsewhere] for word in FALSE_COMFORT if word in text]
    assert wrong == []


def test_each_thing_has_the_word_of_the_field(said):
    wrong = [
        f"{text!r} says {word}; the field says {better}"
        for _english, text in said
        for word, better in AVOIDED.items()
        if word in text.replace(SLIP, "")
    ]
    assert wrong == []


def test_residents_and_volunteers_are_addressed_as_nin(said):
    assert [text for _english, text in said if INFORMAL.search(text) or CHUMMY.search(text)] == []


def test_nobody_is_shouted_at(said):
    assert [text for _english, text in said if "!" in text or "\uff01" in text] == []


def test_no_button_says_only_submit(said):
    assert [text for _english, text in said if text.strip() in {"提交", "确定", "确认", "操作"}] == []


def test_times_are_on_the_24_hour_clock(said):
    assert [text for _english, text in said if re.search(r"\b[AP]M\b|上午\d+点半?前?:", text)] == []


def test_chinese_sentences_have_chinese_punctuation():
    """A comma or a full stop between Chinese characters is a Chinese one; narrow columns on paper go without."""
    wrong = [
        text
        for _english, text in sentences(is_on_paper=False)
        if re.search(r"[一-鿿][,;?!:]\s?[一-鿿]|[一-鿿][.?!]$", text)
    ]
    assert wrong == []


def test_english_is_not_left_in_the_chinese(said):
    """Latin words in a Chinese sentence are names of things (A, PDF, kg, Webhook) or letters that are spoken of (O, I)."""
    allowed = {
        "A",
        "B",
        "O",
        "I",
        "Webhook",
        "PDF",
        "https",
        "MB",
        "CSV",
        "kg",
        "QR",
        "SMS",
        "English",
        "Linli",
        "UTF",
        "GB",
        "Excel",
        "XLSX",
        "xlsx",
        "xls",
        "BOM",
        "TXT",
    }
    wrong = [
        (english, word)
        for english, text in said
        for word in re.findall(r"[A-Za-z]+", re.sub(r"%\(\w+\)[sd]|\{\w*\}", "", text))
        if word not in allowed
    ]
    assert wrong == []
