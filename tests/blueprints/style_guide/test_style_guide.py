"""The page that shows every component."""

import pytest


@pytest.mark.parametrize("size", ["normal", "large", "xlarge"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "word"), [("zh_Hans", "按钮"), ("en", "Buttons")])
def test_the_style_guide_shows_each_size_theme_and_language(cast, size, theme, language, word):
    address = f"/style-guide?text_size={size}&theme={theme}&language={language}"
    text = cast.client(None).get(address).get_data(as_text=True)
    assert f'data-text-size="{size}" data-theme="{theme}"' in text
    assert f'<html lang="{language.replace("_", "-")}"' in text
    assert word in text


@pytest.mark.parametrize("wrong", ["text_size=huge", "theme=pink", "language=fr"])
def test_what_is_not_offered_is_not_found(cast, wrong):
    assert cast.client(None).get(f"/style-guide?{wrong}").status_code == 404
