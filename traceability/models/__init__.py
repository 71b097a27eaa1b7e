from traceability.models.entry import Entry, Installation, StreamHead

__all__ = ["Entry", "Installation", "StreamHead"]
