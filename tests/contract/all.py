"""Every promise, in the order of the contract."""

from tests.contract import conventions, holding, knowing, serving, working, writing
from tests.contract.client import PROMISES

__all__ = ["PROMISES", "conventions", "holding", "knowing", "serving", "working", "writing"]
