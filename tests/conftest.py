"""Hypothesis profiles: its own for every run (and its own for CI, without chance), a long one to look for more.

pytest -n 2 -k fuzz --hypothesis-profile=thorough
"""

from hypothesis import settings

settings.register_profile("thorough", max_examples=2_000, deadline=None, print_blob=True)
