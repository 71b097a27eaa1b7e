"""Hybrid search on a judged set of real text: documents are the functions and classes of Python's standard library,
each with its docstring's first sentence taken out. Half of the questions are those sentences, which meaning answers
best; the other half are names that stand in one document alone, which words answer best. Sampled the same way in
every run.
"""

import argparse
import asyncio
import collections
import concurrent.futures
import difflib
import email.message
import http.client
import inspect
import ipaddress
import json
import logging
import math
import random
import re
import shutil
import statistics
import subprocess
import tarfile
import textwrap
import urllib.parse
import zipfile
from collections import Counter
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from knowledge import search
from knowledge.search import Mode
from tests.knowledge.documents import known

MODULES = [
    argparse, asyncio, asyncio.events, asyncio.locks, asyncio.streams, asyncio.tasks, collections, concurrent.futures,
    concurrent.futures.thread, difflib, email.message, http.client, ipaddress, json, json.encoder, json.decoder,
    logging, random, shutil, statistics, subprocess, tarfile, textwrap, urllib.parse, zipfile,
]  # fmt: skip
DOCUMENTS = 200
LONGEST = 1500
NAME = re.compile(r"[a-z]{3,}(?:_[a-z]{2,})+")


@dataclass(frozen=True)
class Judged:
    """A document and the sentence that was taken out of it."""

    sentence: str
    title: str
    content: str

    @property
    def names(self) -> set[str]:
        return set(NAME.findall(self.content))


def documented(module: ModuleType) -> dict[str, Any]:
    """`{"name of the thing": the thing}` for what the module itself defines."""
    own = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    classes = [each for each in own if inspect.isclass(each)]
    methods = [each for cls in classes for each in vars(cls).values() if inspect.isfunction(each)]
    things = [each for each in own if inspect.isfunction(each)] + classes + methods
    return {f"{module.__name__}.{each.__qualname__}": each for each in things}


def library() -> list[Judged]:
    """The documents, each content once."""
    found: dict[str, Judged] = {}
    for module in MODULES:
        for name, thing in documented(module).items():
            first, _, rest = (thing.__doc__ or "").partition("\n\n")
            sentence = " ".join(first.split())
            if 25 <= len(sentence) <= 200 and (source := source_of(thing)):
                content = f"{rest}\n\n{source.replace(first, '').replace(rest, '')}"[:LONGEST]
                found.setdefault(content, Judged(sentence, name.rpartition(".")[0], content))
    every = sorted(found.values(), key=lambda each: each.content)
    return random.Random(7).sample(every, k=min(DOCUMENTS, len(every)))


def source_of(thing: Any) -> str:
    """Its Python source; empty for what is written in C."""
    try:
        return inspect.getsource(thing)
    except OSError:
        return ""


def asked(shelf: dict[int, Judged]) -> list[tuple[int, str]]:
    """`(id of the right document, question)`: by turns a sentence and a name, where there is one."""
    spread = Counter(name for each in shelf.values() for name in each.names)
    questions = []
    for turn, (pk, each) in enumerate(shelf.items()):
        alone = sorted(name for name in each.names if spread[name] == 1)
        questions.append((pk, alone[0] if turn % 2 and alone else each.sentence))
    return questions


def gain(questions: list[tuple[int, str]], mode: Mode) -> float:
    """nDCG@10: 1 when the right document always comes first."""
    total = 0.0
    for right, question in questions:
        answered = [hit.document.pk for hit in search.answer(question, mode=mode).hits]
        total += 1 / math.log2(answered.index(right) + 2) if right in answered else 0
    return total / len(questions)


@pytest.mark.django_db
def test_hybrid_search_is_better_than_either_half() -> None:
    shelf = {known(each.content, title=each.title).pk: each for each in library()}
    assert len(shelf) == DOCUMENTS
    questions = asked(shelf)
    gains = {mode: gain(questions, mode) for mode in Mode}
    assert gains[Mode.HYBRID] > max(gains[Mode.SEMANTIC], gains[Mode.TEXT]), gains
    assert gains[Mode.HYBRID] > 0.77, gains
