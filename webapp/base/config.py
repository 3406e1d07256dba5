"""Settings: one table that the code reads and the README prints.

Every setting is an environment variable. `load` answers with values of the right type or refuses to
start with a sentence that says what to set.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click import ClickException

MINIMUM_SECRET_LENGTH = 32


class ConfigError(ClickException):
    """A setting is missing or wrong; the message says which one and what to do.

    A ClickException, so that a shell command shows the sentence instead of a traceback.
    """


@dataclass(frozen=True)
class Setting:
    """One environment variable: its default as text ("" means unset) and what it is for."""

    name: str
    default: str
    help_en: str
    help_zh: str
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "LINLI_ENV",
        "development",
        "`production` refuses weak secrets and demo data",
        "`production` 拒绝弱密钥和演示数据",
    ),
    Setting(
        "LINLI_DATA_DIR",
        "./var",
        "database, files, queue and demo sign-ins",
        "数据库、文件、队列和演示账号的目录",
    ),
    Setting(
        "DATABASE_URL",
        "",
        "PostgreSQL address; empty: SQLite in LINLI_DATA_DIR",
        "PostgreSQL 地址；不填用 LINLI_DATA_DIR 里的 SQLite",
        True,
    ),
    Setting(
        "SECRET_KEY",
        "",
        "signs cookies, forms and links; at least 32 characters",
        "签名密钥，至少 32 个字符",
        True,
    ),
    Setting(
        "LINLI_CRYPTO_KEYS",
        "",
        "keys of the encrypted columns, newest first, comma separated; empty: derived from SECRET_KEY",
        "加密列的密钥，新的在前，逗号分隔；不填由 SECRET_KEY 派生",
        True,
    ),
    Setting(
        "LINLI_PUBLIC_URL",
        "",
        "address in QR codes and messages; empty: http://HOST:PORT",
        "二维码和短信里的网址；不填用 http://HOST:PORT",
    ),
    Setting("HOST", "127.0.0.1", "address the web server listens on", "网页服务监听的地址"),
    Setting("PORT", "8000", "port the web server listens on", "网页服务监听的端口"),
    Setting("LINLI_WEB_PROCESSES", "2", "web server processes", "网页服务进程数"),
    Setting("LINLI_WEB_THREADS", "4", "threads of each web server process", "每个进程的线程数"),
    Setting(
        "TLS_CERT",
        "",
        "certificate file (PEM) for HTTPS; with TLS_KEY",
        "HTTPS 证书文件（PEM），与 TLS_KEY 一起用",
    ),
    Setting("TLS_KEY", "", "private key file (PEM) for HTTPS", "HTTPS 私钥文件（PEM）"),
    Setting("LINLI_TIME_ZONE", "Asia/Shanghai", "the county's time zone", "全县使用的时区"),
    Setting(
        "LINLI_SMS_URL",
        "",
        "HTTP SMS gateway; empty: messages go to the console",
        "短信网关地址；不填则打印在终端",
    ),
    Setting("LINLI_SMS_TOKEN", "", "bearer token for the SMS gateway", "短信网关的令牌", True),
    Setting(
        "LINLI_SMS_DEDUPLICATES",
        "0",
        "1: the gateway removes repeated ids, so an unknown result may be sent again",
        "1 表示网关会去重，结果不明的短信可以再发",
    ),
    Setting(
        "LINLI_CODES_PER_ADDRESS",
        "30",
        "unused sign-in codes that one network address may ask for in an hour",
        "一个网络地址一小时内最多可取多少个没有用掉的登录码",
    ),
    Setting(
        "LINLI_VOLUNTEERS_FROM_16",
        "0",
        "1: people of 16 and 17 may volunteer, when a parent agrees",
        "1 表示家长同意后 16、17 岁也可以当志愿者",
    ),
    Setting(
        "LINLI_PDF_FONT", "", "extra font file for printed sheets, tried first", "打印用的字体文件，优先使用"
    ),
    Setting("LINLI_TRUSTED_PROXIES", "0", "number of reverse proxies in front", "前面有几层反向代理"),
)


def data_dir(environ: Mapping[str, str]) -> Path:
    """The data directory, made if missing."""
    path = Path(environ.get("LINLI_DATA_DIR") or "./var").resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def _development_secret(directory: Path) -> str:
    """A secret made once per data directory, so that a laptop needs no setting and survives restarts."""
    path = directory / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _secret(environ: Mapping[str, str], directory: Path, *, is_production: bool) -> str:
    secret = environ.get("SECRET_KEY", "")
    if is_production:
        if len(secret) < MINIMUM_SECRET_LENGTH or len(set(secret)) < 12:
            raise ConfigError(
                "SECRET_KEY is missing or weak. In production set at least 32 random characters, for example: "
                "SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(48))')"
            )
        return secret
    return secret or _development_secret(directory)


def _number(environ: Mapping[str, str], name: str) -> int:
    default = next(setting.default for setting in SETTINGS if setting.name == name)
    text = environ.get(name) or default
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"{name} must be a whole number, not {text!r}.") from error


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """All settings as Flask configuration values; raises ConfigError with a sentence."""
    is_production = (environ.get("LINLI_ENV") or "development") == "production"
    directory = data_dir(environ)
    host, port = environ.get("HOST") or "127.0.0.1", _number(environ, "PORT")
    cert, key = environ.get("TLS_CERT") or "", environ.get("TLS_KEY") or ""
    if bool(cert) != bool(key):
        raise ConfigError("TLS_CERT and TLS_KEY go together: set both or neither.")
    scheme = "https" if cert else "http"
    public_url = (environ.get("LINLI_PUBLIC_URL") or f"{scheme}://{host}:{port}").rstrip("/")
    database_url = environ.get("DATABASE_URL") or f"sqlite:///{directory / 'linli.sqlite3'}"
    for old in ("postgres://", "postgresql://"):
        if database_url.startswith(old):
            database_url = "postgresql+psycopg://" + database_url.removeprefix(old)
    secret = _secret(environ, directory, is_production=is_production)
    crypto_keys = tuple(
        part.strip() for part in environ.get("LINLI_CRYPTO_KEYS", "").split(",") if part.strip()
    )
    if any(len(part) < MINIMUM_SECRET_LENGTH for part in crypto_keys):
        raise ConfigError("LINLI_CRYPTO_KEYS: each key needs at least 32 characters.")
    return {
        "IS_PRODUCTION": is_production,
        "DATA_DIR": directory,
        "SECRET_KEY": secret,
        "CRYPTO_KEYS": crypto_keys or (secret,),
        "SQLALCHEMY_DATABASE_URI": database_url,
        "PUBLIC_URL": public_url,
        "HOST": host,
        "PORT": port,
        "WEB_PROCESSES": _number(environ, "LINLI_WEB_PROCESSES"),
        "WEB_THREADS": _number(environ, "LINLI_WEB_THREADS"),
        "TLS_CERT": cert,
        "TLS_KEY": key,
        "TIME_ZONE": environ.get("LINLI_TIME_ZONE") or "Asia/Shanghai",
        "SMS_URL": environ.get("LINLI_SMS_URL", ""),
        "SMS_TOKEN": environ.get("LINLI_SMS_TOKEN", ""),
        "SMS_DEDUPLICATES": environ.get("LINLI_SMS_DEDUPLICATES") == "1",
        "CODES_PER_ADDRESS": _number(environ, "LINLI_CODES_PER_ADDRESS"),
        "VOLUNTEERS_FROM_16": environ.get("LINLI_VOLUNTEERS_FROM_16") == "1",
        "PDF_FONT": environ.get("LINLI_PDF_FONT", ""),
        "TRUSTED_PROXIES": _number(environ, "LINLI_TRUSTED_PROXIES"),
        "MAX_CONTENT_LENGTH": 20 * 1024 * 1024,
        "SESSION_COOKIE_NAME": "linli",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": public_url.startswith("https://"),
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": 30 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "zh_Hans",
        "BABEL_DEFAULT_TIMEZONE": environ.get("LINLI_TIME_ZONE") or "Asia/Shanghai",
    }
