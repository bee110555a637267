"""Determines the account's limits for a model: the configured or default ones, corrected by what the server reports.

Source: https://console.groq.com/docs/rate-limits ("Free plan").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import httpx

from actors.roleplay.allowance import ModelLimits, Report

GROQ: Final = re.compile(r"(?:.+\.)?groq\.com")

FREE: Final = ModelLimits(30, 8000, 1000, 200_000)

_FREE_OF_MODELS: Final = (
    (re.compile(r"llama-3\.1-8b-instant"), ModelLimits(30, 6000, 14_400, 500_000)),
    (re.compile(r"llama-3\.3-70b-versatile"), ModelLimits(30, 12_000, 1000, 100_000)),
    (re.compile(r"meta-llama/llama-4-.*"), ModelLimits(30, 30_000, 1000, 500_000)),
    (re.compile(r"qwen/qwen3-32b"), ModelLimits(60, 6000, 1000, 500_000)),
    (re.compile(r"moonshotai/kimi-k2-.*"), ModelLimits(60, 10_000, 1000, 300_000)),
)


def usual_limits(url: httpx.URL, model: str) -> ModelLimits:
    """The default limits of a new account: those of Groq's free plan on Groq's host, none elsewhere."""
    if not GROQ.fullmatch(url.host):
        return ModelLimits()
    return next((limits for name, limits in _FREE_OF_MODELS if name.fullmatch(model)), FREE)


def limits_of(usual: ModelLimits, given: ModelLimits | None, learnt: ModelLimits) -> ModelLimits:
    """Return the limits in force: MODEL_LIMITS (`given`) or the `usual` ones, corrected by the learnt ones.

    Headers report only two of the four limits. If one of them is higher than usual, the account is not on the free
    plan; the other two are then left open, because no header would ever correct a wrong assumption.
    """
    if given is not None:
        return given.updated(learnt)
    is_larger = any((learnt.of(kind) or 0) > (usual.of(kind) or 0) for kind in usual.known)
    return learnt if is_larger else usual.updated(learnt)


def learnt_from(learnt: ModelLimits, reports: Iterable[Report]) -> ModelLimits:
    """Return `learnt`, updated with the limits that an answer reported."""
    return replace(learnt, **{each.kind: each.limit for each in reports if each.limit is not None})
