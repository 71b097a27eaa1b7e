"""Every setting of an installation. Each value that an operator may change is read from the environment here."""

import json
from pathlib import Path

import django_stubs_ext

from coordinator import embedded, queues
from coordinator.environment import data_directory, database, flag, number, secret_key, text, words

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


COORDINATOR_DATA = data_directory()
DATABASE_URL = text("DATABASE_URL")
MIGRATE_DATABASE_URL = text("MIGRATE_DATABASE_URL")
REDIS_URL = text("REDIS_URL")
SECRET_KEY = secret_key(COORDINATOR_DATA)
DEBUG = flag("DEBUG")
HOST = text("HOST", "127.0.0.1")
PORT = number("PORT", 8000)
WEB_PROCESSES = number("WEB_PROCESSES", 2)
ADMIN_EMAIL = text("ADMIN_EMAIL")
ADMIN_PASSWORD = text("ADMIN_PASSWORD")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
INTERNAL_IPS: list[str] = []

INSTALLED_APPS = [
    "coordinator.apps.CoordinatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "coordinator.apps.CoordinatorConfig",
    "traceability",
    "accounts",
    "agents",
    "sprints",
    "policies",
    "knowledge",
    "missions",
]

MIDDLEWARE = [
    "coordinator.lib.middleware.RequestId",
    "coordinator.lib.middleware.SecurityHeaders",
    "coordinator.lib.middleware.Problems",
    "coordinator.lib.middleware.BodyLimit",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.Idempotency",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "coordinator.urls"
ASGI_APPLICATION = "coordinator.asgi.application"
WSGI_APPLICATION = "coordinator.wsgi.application"
APPEND_SLASH = False

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
            ],
        },
    },
]

DATABASES = {"default": database(DATABASE_URL or embedded.url(COORDINATOR_DATA))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.auth.EmailBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = number("SESSION_DAYS", 14) * 86400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = flag("HTTPS")
SESSION_COOKIE_NAME = "coordinator_session"
CSRF_COOKIE_NAME = "coordinator_csrf"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY = flag("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None

USE_TZ = True
TIME_ZONE = text("TIME_ZONE", "UTC")
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["coordinator.formats"]
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = COORDINATOR_DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "coordinator" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
"""A file that is replaced under a running process is served as it is now, not with the length that it had."""

BODY_LIMIT = 1024 * 1024
BODY_LIMIT_BY_PREFIX = {"/api/knowledge/": 10 * 1024 * 1024, "/api/traceability/import": 10 * 1024 * 1024}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
API_RATE_LIMIT = text("API_RATE_LIMIT")
"""Requests a token may make, for instance `600/min`; empty means no limit."""

CHECKPOINTS = flag("CHECKPOINTS", True)
"""Whether checkpoints of the record are taken by the clock and when a mission ends."""

CHECKPOINT_DIR = Path(text("CHECKPOINT_DIR") or COORDINATOR_DATA / "checkpoints").expanduser()
CHECKPOINT_URL = text("CHECKPOINT_URL")
CHECKPOINT_KEY = text("CHECKPOINT_KEY")
CHECKPOINT_KEY_FILE = Path(text("CHECKPOINT_KEY_FILE") or COORDINATOR_DATA / "checkpoint.key").expanduser()
CHECKPOINT_TRUSTED_KEYS = words("CHECKPOINT_TRUSTED_KEYS")
"""Public keys that may sign checkpoints; without any, the first one in the directory."""

ARCHIVE_DIR = Path(text("ARCHIVE_DIR") or COORDINATOR_DATA / "archive").expanduser()
"""Where archived entries lie; each database has a directory of its own, which all its processes read."""

ARCHIVE_CLOSED_AFTER_DAYS = number("ARCHIVE_CLOSED_AFTER_DAYS", 0) if text("ARCHIVE_CLOSED_AFTER_DAYS") else None
"""After so many days the entries of missions that ended go to files by the clock; never when it is not set."""

STREAMS_PER_CREDENTIAL = number("STREAMS_PER_CREDENTIAL", 100)
"""Live streams that one token or session may hold open in each web process."""

EXECUTIONS_PER_MISSION = max(1, number("EXECUTIONS_PER_MISSION", 4))
EXECUTIONS_PER_AGENT = max(1, number("EXECUTIONS_PER_AGENT", 2))
"""Runs by adapters that go on at a time, over all machines; the mission or the agent may say otherwise."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.auth.BearerAuthentication", "accounts.auth.BrowserSession"],
    "DEFAULT_PERMISSION_CLASSES": ["coordinator.lib.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["coordinator.lib.http.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["coordinator.lib.http.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "coordinator.lib.pagination.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "coordinator.lib.schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["coordinator.lib.permissions.TokenRate"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "coordinator.lib.http.JSONOnly",
    "EXCEPTION_HANDLER": "coordinator.lib.problems.answer_problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "NUM_PROXIES": 0,
    "DATETIME_FORMAT": "iso-8601",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Coordinator",
    "DESCRIPTION": "Records, monitors and advises the work of AI coding agents and the people beside them.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "GET_LIB_DOC_EXCLUDES": "coordinator.lib.schema.mute_bases",
    "ENUM_NAME_OVERRIDES": {
        "AccountKind": "accounts.models.User.Kind",
        "ActivityEvent": "agents.health.ActivityEvent",
        "AgentStatus": "agents.health.AgentStatus",
        "ApprovalState": "policies.vocabulary.ApprovalState.choices",
        "DeliveryState": "accounts.models.Delivery.State",
        "DocumentKind": "knowledge.models.Kind",
        "EndpointKind": "accounts.models.Endpoint.Kind",
        "EndpointState": "accounts.models.Endpoint.State",
        "ExecutionState": "missions.models.Execution.State",
        "OutputStream": "missions.models.ExecutionOutput.Stream",
        "ImportOutcome": "traceability.api.exchange.OUTCOMES",
        "IndexState": "knowledge.models.IndexState",
        "MissionRole": "missions.models.Participation.Role",
        "MissionStatus": "missions.lifecycle.MissionStatus",
        "ObjectiveStatus": "traceability.models.ObjectiveStatus",
        "PolicyMode": "policies.vocabulary.Mode.choices",
        "PolicyOutcome": "policies.vocabulary.Outcome.choices",
        "PolicyStatus": "policies.vocabulary.PolicyStatus.choices",
        "RequirementStatus": "traceability.models.RequirementStatus",
        "Role": "accounts.api.serializers.ROLE_CHOICES",
        "SearchMode": "knowledge.api.serializers.MODES",
        "SprintStatus": "sprints.lifecycle.SprintStatus",
        "TaskStatus": "missions.lifecycle.TaskStatus",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "coordinator.lib.schema.add_problems",
    ],
}

MACHINE_NAME = text("MACHINE_NAME")
WORKERS_BY_ROLE = queues.workers()
Q_CLUSTER = queues.cluster(REDIS_URL)
"""Short jobs, mission processes (`hosts`), runs of adapters (`exec`) and their checks (`health`) have a queue each."""

PUBLIC_URL = text("PUBLIC_URL").rstrip("/")
"""Where people reach the pages, for links in messages: `https://coordinator.example.org`."""

NOTIFY_PRIVATE_ADDRESSES = flag("NOTIFY_PRIVATE_ADDRESSES")
"""Whether webhooks may lead to addresses that are not of the public internet, and be sent over plain http."""

EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = number("EMAIL_PORT", 25)
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
EMAIL_FROM = DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "coordinator@localhost")

GITHUB_API_URL = text("GITHUB_API_URL", "https://api.github.com")
GITHUB_TOKEN = text("GITHUB_TOKEN")
GITHUB_REPOSITORY = text("GITHUB_REPOSITORY")
GITHUB_WEBHOOK_SECRET = text("GITHUB_WEBHOOK_SECRET")

KNOWLEDGE_EMBEDDING_PROVIDER = text("KNOWLEDGE_EMBEDDING_PROVIDER", "minilm")
KNOWLEDGE_EMBEDDING_MODEL_PATH = text("KNOWLEDGE_EMBEDDING_MODEL_PATH")
KNOWLEDGE_EMBEDDING_SOCKET = text("KNOWLEDGE_EMBEDDING_SOCKET")
KNOWLEDGE_EMBEDDING_URL = text("KNOWLEDGE_EMBEDDING_URL")
KNOWLEDGE_EMBEDDING_MODEL = text("KNOWLEDGE_EMBEDDING_MODEL")
KNOWLEDGE_EMBEDDING_API_KEY = text("KNOWLEDGE_EMBEDDING_API_KEY")
KNOWLEDGE_EMBEDDING_DIMENSIONS = number("KNOWLEDGE_EMBEDDING_DIMENSIONS", 384)

AGENT_SILENT_AFTER_S = number("AGENT_SILENT_AFTER_S", 300)
CLAIM_TTL_S = number("CLAIM_TTL_S", 900)
APPROVAL_TTL_S = number("APPROVAL_TTL_S", 86400)
APPROVAL_RELEASES = {
    "task_transition": "missions.releases.release_task_move",
    "mission_transition": "missions.releases.release_mission_move",
}
"""What an approval of a held action does, by its action type: a function of a room above the policies."""

POLICY_ACTION_TYPES: dict[str, dict[str, str]] = json.loads(text("POLICY_ACTION_TYPES", "{}"))
"""An installation's own action types: `{"drone_flight": {"altitude_m": "number", "over_people": "flag"}}`."""

POLICY_TESTS_REQUIRED = flag("POLICY_TESTS_REQUIRED")
"""Whether a policy without a test that matches and one that does not is only recorded, as in audit mode."""

SUBJECT_RESOLVER = "missions.subjects.resolve"
SCOPE_RESOLVER = "missions.subjects.strangers"
"""Who names the mission, task and agent that an action is asked about, and knows what a scope may name."""

COST_READER = "missions.facts.costs"
"""Who knows what an agent, a task or a mission has cost since a time."""

TRACE_ERASER = "missions.services.erasing"
"""Who erases a text of history wherever else it stands: a module of a room above the ledger."""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": text("LOG_LEVEL", "WARNING")},
    "loggers": {"django.request": {"level": "ERROR"}},
}
