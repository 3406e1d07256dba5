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
from urllib.parse import urlsplit

from click import ClickException

from webapp.base import push_key
from webapp.base.push_key import PushKey

MINIMUM_SECRET_LENGTH = 32
MINIMUM_HOOK_KEY_LENGTH = 16
SMS_PROTOCOLS = ("plain", "smsgate")


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
        "SMS gateway (docs/messages.md); empty: messages go to the console",
        "短信网关地址（见 docs/messages.md）；不填则打印在终端",
    ),
    Setting(
        "LINLI_SMS_PROTOCOL",
        "plain",
        "what the SMS gateway speaks: `plain` (Linli plain SMS 1) or `smsgate` (SMSGate 3rdparty API v1)",
        "短信网关的协议：`plain`（邻里简易短信 1）或 `smsgate`（SMSGate 3rdparty API v1）",
    ),
    Setting(
        "LINLI_SMS_TOKEN",
        "",
        "bearer token for the SMS gateway, or user:password for Basic",
        "短信网关的令牌，或 用户名:密码",
        True,
    ),
    Setting(
        "LINLI_SMS_DEDUPLICATES",
        "0",
        "1: the plain gateway removes repeated ids, so an unknown result may be sent again; smsgate always does",
        "1 表示简易网关会去重，结果不明的短信可以再发；smsgate 一定去重",
    ),
    Setting(
        "LINLI_SMS_LINKS",
        "0",
        "1: the SMS of a call-up carries the answer page and may be two or three messages long; 0: where one has room",
        "1 表示召集短信带上答复网页，可能要两三条；0 表示一条放得下才带",
    ),
    Setting(
        "LINLI_SMS_HOOK_KEY",
        "",
        "key with which the gateway signs receipts and replies; empty: none are taken",
        "网关给回执和回复签名用的密钥；不填则不接收",
        True,
    ),
    Setting(
        "LINLI_VAPID_PRIVATE_KEY",
        "",
        "private key of web push (32 bytes, base64url); empty: made once in LINLI_DATA_DIR",
        "网页推送的私钥（32 字节 base64url）；不填则在 LINLI_DATA_DIR 里自动生成一次",
        True,
    ),
    Setting(
        "LINLI_VAPID_SUBJECT",
        "",
        "whom push services write to: mailto:… or https://…; empty: LINLI_PUBLIC_URL",
        "推送服务商的联系地址：mailto:… 或 https://…；不填用 LINLI_PUBLIC_URL",
    ),
    Setting(
        "LINLI_PUSH_HOSTS",
        "fcm.googleapis.com,*.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com",
        "push services to which messages may go, comma separated; *. stands for everything below",
        "允许的推送服务器，逗号分隔；*. 表示所有下级",
    ),
    Setting(
        "LINLI_STAFF_CHANNELS",
        "wecombot,dingtalk,feishu,lark,mail",
        "by which channels staff may receive notices: names of Apprise, and mail by LINLI_MAIL_URL",
        "工作人员可以用哪些渠道接收通知（Apprise 的名称；mail 用 LINLI_MAIL_URL）",
    ),
    Setting(
        "LINLI_MAIL_URL",
        "",
        "mail server for notices to staff as an Apprise address, mailtos://user:password@smtp.example.cn",
        "给工作人员发邮件的服务器（Apprise 地址），如 mailtos://user:password@smtp.example.cn",
        True,
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
        "LINLI_RESERVE_FREEZE_HOURS",
        "48",
        "hours before a half-day from which somebody of the reserve cannot change what they said of it",
        "储备人员的可召集时间提前多少小时不能再自己改",
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


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or next(setting.default for setting in SETTINGS if setting.name == name)


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in _text(environ, name).split(",") if part.strip())


def _push_key(environ: Mapping[str, str], directory: Path) -> PushKey:
    given = environ.get("LINLI_VAPID_PRIVATE_KEY")
    if not given:
        return push_key.of_directory(directory)
    try:
        return push_key.read(given)
    except ValueError as error:
        raise ConfigError(
            "LINLI_VAPID_PRIVATE_KEY must be 32 bytes in base64url, for example: "
            "$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"
        ) from error


def _sms_protocol(environ: Mapping[str, str]) -> str:
    protocol = _text(environ, "LINLI_SMS_PROTOCOL")
    if protocol not in SMS_PROTOCOLS:
        raise ConfigError(f"LINLI_SMS_PROTOCOL must be one of {', '.join(SMS_PROTOCOLS)}, not {protocol!r}.")
    return protocol


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
    hook_key = environ.get("LINLI_SMS_HOOK_KEY", "")
    if is_production and 0 < len(hook_key) < MINIMUM_HOOK_KEY_LENGTH:
        raise ConfigError(
            f"LINLI_SMS_HOOK_KEY: at least {MINIMUM_HOOK_KEY_LENGTH} random characters, set the same in the gateway."
        )
    vapid = _push_key(environ, directory)
    own_address = urlsplit(public_url)
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
        "SMS_PROTOCOL": _sms_protocol(environ),
        "SMS_DEDUPLICATES": environ.get("LINLI_SMS_DEDUPLICATES") == "1",
        "SMS_HOOK_KEY": hook_key,
        "SMS_LINKS": environ.get("LINLI_SMS_LINKS") == "1",
        "VAPID_PRIVATE_KEY": vapid.private,
        "VAPID_PUBLIC_KEY": vapid.public,
        # Push services take an address without a port.
        "VAPID_SUBJECT": environ.get("LINLI_VAPID_SUBJECT")
        or (f"https://{own_address.hostname}" if own_address.scheme == "https" else "mailto:linli@localhost"),
        "PUSH_HOSTS": _words(environ, "LINLI_PUSH_HOSTS"),
        "STAFF_CHANNELS": _words(environ, "LINLI_STAFF_CHANNELS"),
        "MAIL_URL": environ.get("LINLI_MAIL_URL", ""),
        "CODES_PER_ADDRESS": _number(environ, "LINLI_CODES_PER_ADDRESS"),
        "VOLUNTEERS_FROM_16": environ.get("LINLI_VOLUNTEERS_FROM_16") == "1",
        "RESERVE_FREEZE_HOURS": _number(environ, "LINLI_RESERVE_FREEZE_HOURS"),
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
