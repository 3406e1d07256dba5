import pytest

from webapp.base import config

STRONG = "Zk3v9QeXw7Tn2LpRb6YcHs8MdJf4Ua1GoBiEiC5x"


def load(tmp_path, **environ):
    return config.load({"LINLI_DATA_DIR": str(tmp_path)} | environ)


@pytest.mark.parametrize("secret", ["", "short", "x" * 40, "abababababababababababababababababababab"])
def test_production_refuses_a_missing_or_weak_secret(tmp_path, secret):
    with pytest.raises(config.ConfigError, match="SECRET_KEY"):
        load(tmp_path, LINLI_ENV="production", SECRET_KEY=secret)


def test_production_starts_with_a_strong_secret(tmp_path):
    assert load(tmp_path, LINLI_ENV="production", SECRET_KEY=STRONG)["IS_PRODUCTION"] is True


def test_a_laptop_makes_its_own_secret_once(tmp_path):
    first = load(tmp_path)["SECRET_KEY"]
    assert len(first) >= 32
    assert load(tmp_path)["SECRET_KEY"] == first


def test_postgresql_addresses_get_the_driver(tmp_path):
    for url in ("postgres://u@h/d", "postgresql://u@h/d"):
        assert load(tmp_path, DATABASE_URL=url)["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://u@h/d"


def test_a_certificate_without_its_key_is_refused(tmp_path):
    with pytest.raises(config.ConfigError, match="TLS_KEY"):
        load(tmp_path, TLS_CERT="cert.pem")


def test_https_makes_cookies_secure(tmp_path):
    assert load(tmp_path, LINLI_PUBLIC_URL="https://linli.example")["SESSION_COOKIE_SECURE"] is True
    assert load(tmp_path)["SESSION_COOKIE_SECURE"] is False


def test_a_port_that_is_no_number_is_refused_by_name(tmp_path):
    with pytest.raises(config.ConfigError, match="PORT"):
        load(tmp_path, PORT="eight")


def test_every_setting_has_help_in_both_languages():
    assert all(setting.help_en and setting.help_zh for setting in config.SETTINGS)
    assert len({setting.name for setting in config.SETTINGS}) == len(config.SETTINGS)
