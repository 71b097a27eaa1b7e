"""How the API answers a check of the record, and a checkpoint of it."""

from typing import Any

from rest_framework import serializers

from traceability import checkpoints
from traceability.models import Checkpoint


class TraceFindingShape(serializers.Serializer[Any]):
    stream = serializers.CharField(help_text="The stream, or `checkpoint`.")
    seq = serializers.IntegerField(help_text="The entry's number in its stream, or the checkpoint's.")
    entry = serializers.IntegerField(allow_null=True, help_text="The entry's id.")
    kind = serializers.CharField()
    detail = serializers.CharField()
    expected = serializers.CharField(allow_null=True)
    found = serializers.CharField(allow_null=True)
    last_good_checkpoint = serializers.IntegerField(allow_null=True)


class ComparedShape(serializers.Serializer[Any]):
    checked = serializers.IntegerField(help_text="How many checkpoints the entries were compared with.")
    newest = serializers.IntegerField(allow_null=True)
    at = serializers.CharField(allow_null=True)


class VerdictShape(serializers.Serializer[Any]):
    valid = serializers.BooleanField(
        help_text="Every entry could be read, and nothing was found that was changed, removed or put in."
    )
    entries = serializers.IntegerField()
    head = serializers.CharField()
    first_bad = TraceFindingShape(allow_null=True)
    findings = TraceFindingShape(many=True)
    remarks = TraceFindingShape(many=True, help_text="What was done lawfully: texts that were erased.")
    unchecked = TraceFindingShape(many=True, help_text="What could not be checked, such as missing checkpoints.")
    checkpoints = ComparedShape()


class CheckpointShape(serializers.ModelSerializer[Checkpoint]):
    """A signed statement of where every stream stood: keep it, and nobody can change what came before."""

    root_hash = serializers.SerializerMethodField(help_text="The RFC 6962 root over all heads, as hex.")
    keys = serializers.SerializerMethodField(help_text="The public keys that lie with the checkpoints, oldest first.")

    class Meta:
        model = Checkpoint
        fields = ("n", "at", "size", "streams", "root_hash", "note", "keys")

    def get_root_hash(self, row: Checkpoint) -> str:
        return bytes(row.root).hex()

    def get_keys(self, row: Checkpoint) -> list[str]:
        return [str(each) for each in checkpoints.keys_in(checkpoints.here())]
