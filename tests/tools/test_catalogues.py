import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

import catalogues


def code(*ids: str) -> Catalog:
    said = Catalog()
    for each in ids:
        said.add(each, locations=[("webapp/web/errors.py", 7)])
    return said


@pytest.fixture
def translate(tmp_path, monkeypatch):
    """Write a translation into the catalogue of a scratch folder."""
    monkeypatch.setattr(catalogues, "TRANSLATIONS", tmp_path)
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)

    def translate(message: str, text: str) -> None:
        path, held = catalogues.catalogue("zh_Hans")
        held[message].string = text
        with path.open("wb") as file:
            write_po(file, held)

    return translate


def faults(said: Catalog) -> str:
    return "\n".join(catalogues.faults("zh_Hans", said))


@pytest.mark.parametrize(
    ("english", "chinese", "is_fault"),
    [
        ("%(count)s bags", "%(count)s 袋", False),
        ("%(count)s bags", "%(n)s 袋", True),
        ("%(count)s bags", "几袋", True),
        ("bags", "%(count)s 袋", True),
        ("{label} sent", "已发送 {label}", False),
        ("{label} sent", "已发送", True),
        (("one bag", "%(num)d bags"), ("%(num)d 袋",), False),
        (("one bag", "%(num)d bags"), ("几袋",), True),
    ],
)
def test_a_translation_uses_exactly_the_names_of_its_message(english, chinese, is_fault):
    assert bool(catalogues.differing_placeholders(Message(english, chinese))) is is_fault


def test_a_message_without_translation_is_a_fault_until_it_has_one(translate):
    said = code("Order")
    catalogues.update("zh_Hans", said, prune=False)
    assert "not translated: 'Order'" in faults(said)
    translate("Order", "订菜")
    assert not faults(said)


def test_a_message_that_the_catalogue_does_not_know_is_a_fault(translate):
    catalogues.update("zh_Hans", code("Order"), prune=False)
    translate("Order", "订菜")
    assert "not in the catalogue: 'Cancel'" in faults(code("Order", "Cancel"))


def test_what_the_code_no_longer_says_comes_back_with_its_translation(translate):
    catalogues.update("zh_Hans", code("Order"), prune=False)
    translate("Order", "订菜")
    catalogues.update("zh_Hans", code("Cancel"), prune=False)
    assert "obsolete: 'Order'" in faults(code("Cancel"))
    catalogues.update("zh_Hans", code("Order"), prune=False)
    assert not faults(code("Order")).replace("zh_Hans: obsolete: 'Cancel'", "")
    catalogues.update("zh_Hans", code("Order"), prune=True)
    assert not faults(code("Order"))


def test_an_update_without_new_messages_leaves_the_file_as_it_is(translate):
    catalogues.update("zh_Hans", code("Order", "Cancel"), prune=False)
    translate("Order", "订菜")
    catalogues.update("zh_Hans", code("Order", "Cancel"), prune=False)
    path, _held = catalogues.catalogue("zh_Hans")
    before = path.read_bytes()
    catalogues.update("zh_Hans", code("Cancel", "Order"), prune=False)
    assert path.read_bytes() == before
    assert b"errors.py:7" not in before
