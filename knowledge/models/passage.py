"""What search reads: passages of documents, their vectors and the frequency of words."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from pgvector.django import HalfVectorField

from knowledge.embedding.base import Identity
from knowledge.models.document import Document

TEXT_CONFIG = "english"
JOINT = "(?<=[[:alpha:]_])[./](?=[[:alpha:]_])"
"""Points and slashes between letters. PostgreSQL takes `self.task` for a host and `src/web` for a file, each one word;
without them each part is found."""


def opened(column: str) -> Func:
    """The column's text with a space for each joint."""
    return Func(
        F(column), Value(JOINT), Value(" "), Value("g"), function="regexp_replace", output_field=models.TextField()
    )


class Passage(models.Model):
    """A part of a document that is found and shown on its own."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="passages")
    ordinal = models.PositiveIntegerField()
    heading_path = models.CharField(max_length=500)
    text = models.TextField()
    text_sha256 = models.CharField("SHA-256 of headings and text", max_length=64)
    tsv = models.GeneratedField(
        expression=SearchVector(opened("heading_path"), opened("text"), config=TEXT_CONFIG),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "ordinal"],
                name="knowledge_passages_have_places",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]
        indexes = [
            GinIndex(fields=["tsv"], name="knowledge_passage_words"),
            models.Index(fields=["text_sha256"], name="knowledge_passage_sha256"),
        ]

    def __str__(self) -> str:
        return f"{self.heading_path} [{self.ordinal}]"

    @property
    def reading(self) -> str:
        """What the embedder reads; the same as `chunking.Chunk.reading`."""
        return f"{self.heading_path}\n{self.text}"


class SpaceState(models.TextChoices):
    BUILDING = "building"
    ACTIVE = "active"


class EmbeddingSpaceQuerySet(models.QuerySet["EmbeddingSpace"]):
    def active(self) -> "EmbeddingSpace | None":
        """The space that searches use; at most one is."""
        return self.filter(state=SpaceState.ACTIVE).first()

    def of(self, identity: Identity) -> "EmbeddingSpace | None":
        return self.filter(provider=identity.provider, model=identity.model, dimensions=identity.dimensions).first()


class EmbeddingSpace(models.Model):
    """The vectors of one model. Vectors of different models cannot be compared."""

    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=200, blank=True)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=SpaceState.choices, default=SpaceState.BUILDING)
    created_at = models.DateTimeField()

    objects = EmbeddingSpaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "model", "dimensions"], name="knowledge_a_model_has_one_space"),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=SpaceState.ACTIVE), name="knowledge_one_space_is_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model} ({self.dimensions})"

    @property
    def identity(self) -> Identity:
        return Identity(provider=self.provider, model=self.model, dimensions=self.dimensions)

    @property
    def index_name(self) -> str:
        return f"knowledge_embedding_space_{self.pk}"


class Embedding(models.Model):
    """A passage's vector in one space, of length 1. Each space has an HNSW index of its own over these rows."""

    pk = models.CompositePrimaryKey("space_id", "passage_id")
    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="embeddings")
    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="embeddings")
    vector = HalfVectorField()


class LexemeStat(models.Model):
    """In how many passages a word stem stands: what makes a rare word count for more.

    The row of the empty lexeme counts all passages. Refreshed by a job, so a little behind at times.
    """

    ALL = ""

    lexeme = models.TextField(primary_key=True)
    passages = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.lexeme}: {self.passages}"
