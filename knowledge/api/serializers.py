from typing import Any

from rest_framework import serializers

from coordinator.lib.errors import Invalid
from coordinator.lib.keys import valid_key
from coordinator.lib.refs import Ref
from coordinator.lib.serializers import Key, Naming, ObjectField, Strict, Text, TextList, Whole
from knowledge import references
from knowledge.models import Document, Kind
from knowledge.search import Mode

LONGEST_QUERY = 10_000
MODES = [(mode.value, mode.name) for mode in Mode]


class Named(Naming, serializers.Field[Any, Any, Any, Any]):
    """A mission or a task, named by integer id or public key; answered as its public key."""

    def to_internal_value(self, data: Any) -> Ref:
        noun = str(self.field_name)
        try:
            return references.resolve(noun, data)
        except Invalid as refusal:
            raise serializers.ValidationError(refusal.errors[noun]) from refusal

    def to_representation(self, value: Ref) -> str:
        return value.key


class Tags(TextList):
    """Up to 50 tags."""

    child = Text(max_length=100)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 50, **kwargs})


def says_something(value: str) -> None:
    if not value.strip():
        raise serializers.ValidationError("This must not be blank.")


class DocumentBody(Strict):
    """A document as it is handed in."""

    document_id = Key(validators=[valid_key])
    title = Text(required=False, allow_blank=True, max_length=500, help_text="Left out, it is read from the content.")
    content = Text(validators=[says_something])
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    metadata = ObjectField(required=False)
    tags = Tags(required=False)
    mission = Named(required=False, allow_null=True)
    task = Named(required=False, allow_null=True)


class DocumentChanges(DocumentBody):
    """What may be changed of a stored document."""

    document_id = Key(read_only=True)
    content = Text(required=False, validators=[says_something])


class DocumentSummary(serializers.ModelSerializer[Document]):
    """A document without its text."""

    mission = Named(read_only=True, allow_null=True)
    task = Named(read_only=True, allow_null=True)
    metadata = ObjectField(read_only=True)

    class Meta:
        model = Document
        fields = [
            "id",
            "document_id",
            "title",
            "kind",
            "sha256",
            "metadata",
            "tags",
            "mission",
            "task",
            "author",
            "index_state",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class DocumentShape(DocumentSummary):
    """A document with its text."""

    class Meta(DocumentSummary.Meta):
        fields = [*DocumentSummary.Meta.fields, "content"]
        read_only_fields = fields


class FilterBody(Strict):
    """Which documents are searched: those that fit every field that is given."""

    mission = Named(required=False)
    task = Named(required=False)
    tags = Tags(required=False, help_text="Documents that have all of these.")
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    metadata = ObjectField(required=False, help_text="Documents whose metadata holds these values.")


class SearchBody(Strict):
    query = Text(max_length=LONGEST_QUERY, validators=[says_something])
    limit = Whole(min_value=1, max_value=100, default=10)
    filter = FilterBody(required=False)
    mode = serializers.ChoiceField(choices=MODES, default=Mode.HYBRID.value)


class PassageShape(serializers.Serializer[Any]):
    """The part of the document that fits best."""

    ordinal = serializers.IntegerField()
    heading_path = serializers.CharField()
    text = serializers.CharField()


class HitShape(serializers.Serializer[Any]):
    document = DocumentSummary()
    passage = PassageShape(source="*")
    score = serializers.FloatField(
        help_text="Orders this answer. hybrid: the sum over both rankings; semantic: the cosine; text: weighted words."
    )
    highlights = serializers.ListField(
        child=serializers.CharField(), help_text="Parts of the passage, matched words between `**`."
    )


class AnswerShape(serializers.Serializer[Any]):
    results = HitShape(many=True, source="hits")
    mode = serializers.CharField()
    degraded = serializers.BooleanField(
        help_text="True when the half by meaning is missing because its embedder does not answer."
    )
