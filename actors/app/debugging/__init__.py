"""Answers `/debug` questions about the machines, in words and pictures.

question ─► Answers ─► journal, ProcessFacts (this process) ─► words ────┐
                                                            └► Pictures ─┴─► Explained
"""

from actors.app.debugging.answers import Answers
from actors.app.debugging.process_facts import ProcessFacts

__all__ = ["Answers", "ProcessFacts"]
