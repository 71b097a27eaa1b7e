"""Hybrid search on a judged set of real text: the question is the first sentence of a docstring of Python's standard
library, the right answer is the document made of its signature, the rest of it and its code. Sampled the same way in
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
import shutil
import statistics
import subprocess
import tarfile
import textwrap
import urllib.parse
import zipfile
from types import ModuleType
from typing import Any

import pytest

from knowledge import jobs, search
from knowledge.search import Mode
from tests.knowledge.documents import store

MODULES = [
    argparse, asyncio, asyncio.events, asyncio.locks, asyncio.streams, asyncio.tasks, collections, concurrent.futures,
    concurrent.futures.thread, difflib, email.message, http.client, ipaddress, json, json.encoder, json.decoder,
    logging, random, shutil, statistics, subprocess, tarfile, textwrap, urllib.parse, zipfile,
]  # fmt: skip
QUESTIONS = 150
LONGEST = 2500


def documented(module: ModuleType) -> dict[str, Any]:
    """`{"name of the thing": the thing}` for what the module itself defines."""
    own = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    classes = [each for each in own if inspect.isclass(each)]
    methods = [each for cls in classes for each in vars(cls).values() if inspect.isfunction(each)]
    things = [each for each in own if inspect.isfunction(each)] + classes + methods
    return {f"{module.__name__}.{each.__qualname__}": each for each in things}


def judged() -> list[tuple[str, str, str]]:
    """`(question, title, content)`, each content once."""
    found: dict[str, tuple[str, str, str]] = {}
    for module in MODULES:
        for name, thing in documented(module).items():
            first, _, rest = (thing.__doc__ or "").partition("\n\n")
            question = " ".join(first.split())
            if 25 <= len(question) <= 200 and (source := source_of(thing)):
                content = f"{rest}\n\n{source.replace(first, '').replace(rest, '')}"[:LONGEST]
                found.setdefault(content, (question, name.rpartition(".")[0], content))
    return random.Random(7).sample(sorted(found.values()), k=min(QUESTIONS, len(found)))


def source_of(thing: Any) -> str:
    """Its Python source; empty for what is written in C."""
    try:
        return inspect.getsource(thing)
    except OSError:
        return ""


def gain(questions: list[tuple[int, str]], mode: Mode) -> float:
    """nDCG@10: 1 when the right document always comes first."""
    total = 0.0
    for right, question in questions:
        answered = [hit.document.pk for hit in search.answer(question, mode=mode).hits]
        total += 1 / math.log2(answered.index(right) + 2) if right in answered else 0
    return total / len(questions)


@pytest.mark.django_db
def test_hybrid_search_is_better_than_either_half() -> None:
    questions = []
    for question, title, content in judged():
        document = store(content, title=title)
        jobs.embed_document(document.pk)
        questions.append((document.pk, question))
    gains = {mode: gain(questions, mode) for mode in Mode}
    assert len(questions) == QUESTIONS
    assert gains[Mode.HYBRID] >= max(gains[Mode.SEMANTIC], gains[Mode.TEXT]), gains
    assert gains[Mode.HYBRID] >= 0.75, gains
