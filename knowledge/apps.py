from django.apps import AppConfig
from django.core import checks

from knowledge.checks import check_embedder


class KnowledgeConfig(AppConfig):
    name = "knowledge"

    def ready(self) -> None:
        checks.register(check_embedder)
