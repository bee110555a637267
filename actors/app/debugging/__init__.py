"""Questions about the machines, asked in a channel: looked up, put into words, and drawn.

asked ─► Answers ─► journal, Seen (this process) ─► words ─┐
                                            └─► Pictures ──┴─► Explained
"""

from actors.app.debugging.answers import Answers
from actors.app.debugging.seen import Seen

__all__ = ["Answers", "Seen"]
