"""All settings, from the environment (NAME, or NAME_FILE for a secret in a file), with safe defaults.

With no DATABASE_URL and no REDIS_URL the embedded servers of `socialops.local` are used: for one machine, one user.
"""

import logging
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from socialops import local, logs, schedule

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    """The setting's value, from NAME or the file named by NAME_FILE. Without either and without a default: an error."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it, or {name}_FILE to a file that holds it.")
    return value


def flag(name: str, default: bool) -> bool:
    value = env(name, "yes" if default else "no").lower()
    if value not in {"yes", "no", "true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"{name} is “{value}”. Use yes or no.")
    return value in {"yes", "true", "1"}


def number(name: str, default: float) -> float:
    try:
        return float(env(name, str(default)))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a number.") from error


def whole_days(name: str, default: int) -> int:
    days = number(name, default)
    if not 1 <= days <= 36_500 or days != int(days):
        raise ImproperlyConfigured(f"{name} must be a whole number of days, from 1 on.")
    return int(days)


# One machine, one user, embedded servers. Everything else is production, with safe defaults.
LOCAL = flag("SOCIALOPS_LOCAL", not {"DATABASE_URL", "DATABASE_URL_FILE"} & os.environ.keys())
DEBUG = False
SECRET_KEY = env("SECRET_KEY", local.secret("secret_key") if LOCAL else None)
BASE_URL = env("BASE_URL", "http://127.0.0.1:8000").rstrip("/")  # where people reach it
if not BASE_URL.startswith(("https://", "http://")) or not urlsplit(BASE_URL).hostname:
    raise ImproperlyConfigured(f"BASE_URL is “{BASE_URL}”. It must look like https://social.example.com.")
MORE_HOSTS = env("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if LOCAL else "")
ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or "", *filter(None, MORE_HOSTS.split(","))]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# Everything that waits (leases, deadlines, looks) is multiplied by this; tests use less than 1, production exactly 1.
PACE = number("SOCIALOPS_PACE", 1.0)
# Requests in flight at once in each of the two slots of the publication lane, over all workers.
PUBLISH_PLACES = int(number("PUBLISH_PLACES", 150))
# Hosts that connectors may reach although they are private addresses; the demo's sandbox needs its own machine.
PRIVATE_HOSTS = [h for h in env("SOCIALOPS_PRIVATE_HOSTS", "127.0.0.1" if LOCAL else "").split(",") if h]

INSTALLED_APPS = [
    "socialops",
    "accounts",
    "channels_registry",
    "publishing",
    "inbox",
    "governance",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "guardian",
    "django_htmx",
    "template_partials",
    "csp",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "socialops.lib.nul.RefuseNul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.Gate",
    "accounts.middleware.PersonalTimeZone",
]

ROOT_URLCONF = "socialops.urls"
WSGI_APPLICATION = "socialops.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "socialops.frame.frame",
            ],
            "builtins": ["socialops.lib.tags", "django.templatetags.static", "template_partials.templatetags.partials"],
        },
    }
]


def database(url: str) -> dict:
    """Django's settings for postgresql://user:password@host:port/name?host=/socket/directory."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// (PostgreSQL 16 or newer).")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **query},
    }


def broker(url: str) -> str:
    """Celery's way of writing unix:///path/to/socket?db=0; other addresses are the same for both."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query)).get('db', '0')}"


# How many days what is no record is kept (governance/retaining.py): SOCIALOPS_KEEP_MAILS=30.
KEPT_DAYS = {
    name: whole_days(f"SOCIALOPS_KEEP_{name.upper()}", days)
    for name, days in {
        "webhooks": 90, "mails": 90, "tokens": 365, "readings": 30, "imports": 90, "measurements": 1095,
    }.items()
}  # fmt: skip

DATABASES = {"default": database(env("DATABASE_URL", local.database_url() if LOCAL else None))}
# Only where migrations run, whose role owns the tables: the address as which web, worker and beat run (lib/rights.py).
APP_DATABASE_URL = env("APP_DATABASE_URL", "")
REDIS_URL = env("REDIS_URL", local.redis_url() if LOCAL else None)
# Counts of failed logins. In the database, so that they hold over all processes, restarts and a missing Redis.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "accounts_cache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: messages only say "look now" -------------------------------------------------------------------------
CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_ALWAYS_EAGER = False
CELERY_DB_REUSE_MAX = 1_000_000  # a child keeps its connection, as a web thread does (socialops/celery.py)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE

# --- Who is there ---------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.LoginBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.tokens.ResetTokens"  # noqa: S105 (a class, not a password)
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/5m/key",  # for each address it comes from, and for each account whether it exists or not
    "reset_password": "20/m/ip,5/m/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = int(number("TRUSTED_PROXY_COUNT", 0))
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds for which signing in, or confirming that it is you, counts
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
# Newest first, separated by spaces; the old ones stay while secrets sealed with them are in use.
MFA_KEYS = env("MFA_KEYS", local.secret("mfa_key") if LOCAL else None).split()
# Signs the heads of the audit trail; only workers need it. Their public halves are beside the heads (AUDIT_HEADS).
AUDIT_SIGNING_KEY = env("AUDIT_SIGNING_KEY", local.secret("audit_signing_key") if LOCAL else "")
AUDIT_HEADS_TO = env("AUDIT_HEADS_TO", "")  # a mail address outside this system, for a copy of the heads each hour
DIRECTORY_MOST_LEAVERS = int(number("DIRECTORY_MOST_LEAVERS", 20))  # by one key of the directory within an hour
BREAK_GLASS_ALONE = flag("BREAK_GLASS_ALONE", False)  # one person may open it, a second one has 24 hours
SECOND_FACTOR_REQUIRED = flag("SECOND_FACTOR_REQUIRED", not LOCAL)  # of administrators
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
USERSESSIONS_TRACK_ACTIVITY = False  # the gate notes it every five minutes, without three queries a request
SESSION_COOKIE_AGE = 60 * 60 * 24 * 7
# Who is not signed in may ask for these, and for nothing else (accounts.middleware.Gate).
OPEN_URLS = {
    "account_login", "account_logout", "account_inactive", "account_signup", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_confirm_email", "account_email_verification_sent", "mfa_authenticate", "mfa_login_webauthn",
    "invitation", "agreement", "agreement_post", "agreement_comments", "agreement_file", "asking", "asked", "feed",
    "webhook", "people_hook", "healthz", "readyz", "metrics", "stylesheet", "openapi",
}  # fmt: skip
TOOL_URLS = ("api_", "scim_")  # names that begin so are opened by a token, and by no session (accounts/api.py, scim)
# allauth has them and we do not offer them: an address of one's own is a way back in.
SHUT_URLS = {"account_email", "account_set_password", "account_confirm_login_code"}
# Where an administrator without a second factor may still go.
SECOND_FACTOR_URLS = {
    "account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_index", "mfa_activate_totp",
    "mfa_list_webauthn", "mfa_add_webauthn", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes", "account_change_password",
}  # fmt: skip
# Asked again who they are before these, unless they have just signed in or said so: a session that was left open or
# stolen does not give roles or access, let people go, or carry keys and evidence away.
CONFIRMED_URLS = {
    "person_new", "person_roles", "role_ending", "departure_new", "departure_withdrawal", "connection_new",
    "connection_ending", "channel_webhook", "case_evidence", "evidence_file", "grant_new", "endpoint_new",
    "endpoint_change", "endpoint_secret", "endpoint_adoption", "endpoint_removal", "directory_key_adoption",
    "directory_matter_decision", "leaver_list_application", "evidence_report",
}  # fmt: skip
CONFIRMED_POST_URLS = {"evidence_list", "token_list", "feed_list", "directory"}  # to look at them it is not asked
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Scrypt", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- What the browser may do -----------------------------------------------------------------------------------------
SECURE = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "socialops.views.errors.forged"
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("BEHIND_TLS_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"  # some addresses are secrets; "no-referrer" makes a form’s Origin null
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- The rest -------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = Path(env("MEDIA_ROOT", str(local.directory() / "media") if LOCAL else "/var/lib/socialops/media"))
# Uploads in a bucket instead (S3, or what speaks its language); needs the extra `s3`. Never handed out by its address.
MEDIA_S3_BUCKET = env("SOCIALOPS_MEDIA_S3_BUCKET", "")
IN_A_BUCKET = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": MEDIA_S3_BUCKET,
        "endpoint_url": env("SOCIALOPS_MEDIA_S3_ENDPOINT", "") or None,
        "region_name": env("SOCIALOPS_MEDIA_S3_REGION", "us-east-1"),
        "access_key": env("SOCIALOPS_MEDIA_S3_ACCESS_KEY", "") or None,
        "secret_key": env("SOCIALOPS_MEDIA_S3_SECRET_KEY", "") or None,
        "default_acl": None,
        "file_overwrite": False,
    },
}
STORAGES = {
    "default": IN_A_BUCKET if MEDIA_S3_BUCKET else {"BACKEND": "socialops.lib.files.WholeFiles"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Best on a disk that the database's machine cannot write.
AUDIT_HEADS = Path(env("AUDIT_HEADS", str(MEDIA_ROOT / "audit")))
EMAIL_BACKEND = env(
    "EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend" if LOCAL else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_FILE_PATH = str(local.directory() / "mail") if LOCAL else None
EMAIL_HOST = env("EMAIL_HOST", "localhost")
EMAIL_PORT = int(number("EMAIL_PORT", 25))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env("EMAIL_HOST_USER", ""), env("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "socialops@localhost")
# The public key seals (web has it), the private key opens (only workers have it): channels_registry/sealing.py.
SEALING_KEYS = env("SEALING_KEYS", str(local.directory() / "keys") if LOCAL else "/run/secrets")

# --- What is written down about running -------------------------------------------------------------------------------
LOGGING = logs.configuration(readable=LOCAL, level=env("LOG_LEVEL", "INFO").upper())
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_SUCCESS_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
METRICS_TOKEN = env("METRICS_TOKEN", "")  # /metrics is for this machine only without it
