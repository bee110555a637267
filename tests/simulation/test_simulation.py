"""The healthy build holds in every world; each build that is broken on purpose is caught, by name."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actors.roleplay.turns import TurnOrder
from actors.simulation import campaign
from actors.simulation.faults import KINDS, Cut
from actors.simulation.faulty_discord import ServerOrder
from actors.simulation.people import Habits
from actors.simulation.shape import ANSWERED, CAST, Shape
from actors.simulation.shrink import shrunk
from actors.simulation.world import Build, Order, run_world
from machines.response import Limits, State
from tests.simulation import broken_builds as broken
from tests.simulation import broken_turns

HEALTHY = Build()
SMALL = Shape(channels=4)

MOVED = {"webhook_moved", "cut_after", "stored_5xx", "late", "very_late", "crash"}
"""With what a stray line comes about."""


def caught(
    build: Build,
    *,
    shape: Shape = SMALL,
    worlds: int = 6,
    responses: int = 60,
    only: set[str] | None = None,
    seed: int = 7,
) -> set[str]:
    """The invariants that break in the first world in which any does; `only`: of the faults, these."""
    cut = Cut() if only is None else Cut(frozenset(KINDS) - only)
    for index in range(worlds):
        result = run_world(Order(seed=seed, index=index, responses=responses, chance=0.3, cut=cut, shape=shape), build)
        if result.broken:
            return {one.invariant for one in result.broken}
    return set()


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_build_keeps_every_promise(seed: int) -> None:
    result = run_world(Order(seed, 0, responses=60, chance=0.3))
    assert result.broken == ()
    assert result.responses >= 60
    assert result.faults["crash"] > 0
    assert result.ended[State.DELIVERED] > 0


def test_without_faults_every_line_is_delivered() -> None:
    result = run_world(Order(1, 0, responses=40, chance=0.0, shape=SMALL))
    assert (result.broken, result.faults) == ((), {})
    assert result.ended.keys() <= {State.DELIVERED, State.FAILED}
    assert result.ended[State.DELIVERED] >= 40


@pytest.mark.parametrize("index", range(3))
def test_lines_asked_for_again_while_their_failed_tries_still_land_stand_once(index: int) -> None:
    shape = Shape(channels=6, limits=Limits(send_attempts=1))
    result = run_world(Order(200, index, responses=100, chance=0.6, shape=shape))
    assert result.broken == ()
    assert result.faults["very_late"] > 0
    assert result.faults["presses"] > 0
    assert result.faults["asks_again"] > 0


@pytest.mark.parametrize("index", range(2))
def test_b15_b13_lines_of_moved_webhooks_and_blocked_texts_stand_once_or_are_announced(index: int) -> None:
    result = run_world(Order(31, index, responses=100, chance=0.6, shape=Shape(channels=6)))
    assert result.broken == ()
    assert result.faults["webhook_moved"] > 0
    assert result.faults["blocked"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_healthy_build_keeps_every_promise_for_long(seed: int) -> None:
    assert run_world(Order(seed, 1, responses=500, chance=0.3)).broken == ()


# Not shrunk by Hypothesis: every example is a whole world. `simulate` shrinks one, within RUNS_MAX and CPU_S_MAX.
@settings(
    max_examples=8,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
@given(
    cast=st.integers(1, len(CAST)),
    order=st.sampled_from(ANSWERED),
    channels=st.integers(1, 5),
    preference=st.sampled_from(("webhook", "embed")),
    attempts=st.integers(1, 4),
    server_order=st.sampled_from(("newest_first", "oldest_first", "shuffled")),
    bare_posts=st.booleans(),
    chance=st.sampled_from((0.05, 0.3, 0.6)),
    without=st.sets(st.sampled_from(KINDS), max_size=len(KINDS) // 2),
)
def test_every_shape_of_world_holds(
    cast: int,
    order: TurnOrder,
    channels: int,
    preference: str,
    attempts: int,
    server_order: ServerOrder,
    bare_posts: bool,
    chance: float,
    without: set[str],
) -> None:
    shape = Shape(
        habits=Habits(CAST[:cast], order, users=2, turns_max=5),
        channels=channels,
        preference="embed" if preference == "embed" else "webhook",
        limits=Limits(send_attempts=attempts, generate_attempts=attempts),
        server_order=server_order,
        bare_posts=bare_posts,
    )
    order_ = Order(11, 0, responses=15, chance=chance, cut=Cut(frozenset(without)), shape=shape)
    assert run_world(order_).broken == ()


# ── broken on purpose ───────────────────────────────────────────────────────────────────────────────


def test_a_commit_before_the_send_is_caught() -> None:
    assert "delivered is shown" in caught(Build(voice=broken.CommitsBeforeSend))


def test_a_fresh_nonce_for_each_try_is_caught() -> None:
    assert "one nonce" in caught(Build(voice=broken.FreshNonce))


def test_a_retry_without_a_look_into_the_channel_is_caught() -> None:
    assert "read before resend" in caught(Build(channel=broken.LooksNowhere))


@pytest.mark.parametrize("order", ["oldest_first", "shuffled"])
def test_e2_a_trusted_server_order_is_caught(order: ServerOrder) -> None:
    build, shape = Build(reading=broken.TrustsTheOrder), replace(SMALL, server_order=order, page_max=20)
    assert "reads end" in caught(build, shape=shape)
    assert caught(HEALTHY, shape=shape, worlds=2) == set()


def test_e2_a_trusted_server_order_is_no_harm_where_discord_answers() -> None:
    assert caught(Build(reading=broken.TrustsTheOrder), worlds=2) == set()


def test_e5_a_process_that_does_not_look_at_its_own_copies_is_caught() -> None:
    late = {"late", "deletes_landing"}
    assert caught(Build(sink=broken.deaf_to_copies), only=late) == {"shown is found"}
    assert caught(HEALTHY, only=late, worlds=2) == set()


def test_j1_a_response_that_does_not_wait_for_its_channel_is_caught() -> None:
    assert "caught up" in caught(Build(readiness=broken.WaitsForNobody))


def test_a_notice_that_is_tried_once_is_caught() -> None:
    assert "failed is told" in caught(Build(store=broken.NoticesTriedOnce), responses=150)


@pytest.mark.parametrize(("build", "is_caught"), [(HEALTHY, False), (Build(voice=broken.WritesItselfAlone), True)])
def test_b26_a_notice_that_knows_no_way_into_a_muted_thread_is_caught(build: Build, is_caught: bool) -> None:
    shape = replace(SMALL, muted_share=0.5)
    results = [run_world(Order(7, index, responses=60, chance=0.3, shape=shape), build) for index in range(3)]
    found = {one.invariant for result in results for one in result.broken}
    assert ("failed is told" in found, bool(found)) == (is_caught, is_caught)


def test_m1_a_429_that_only_its_own_line_respects_is_caught() -> None:
    assert "closed bucket" in caught(Build(voice=broken.RespectsOwnLimitsAlone))


def test_a_history_in_its_own_transaction_is_caught() -> None:
    assert "one commit" in caught(Build(store=broken.HistoryLater), worlds=12)


def test_a_text_that_is_not_journalled_before_its_send_is_caught() -> None:
    found = caught(Build(store=broken.TextLater), worlds=12)
    assert found & {"one nonce", "failed leaves nothing", "delivered is shown", "shown once"}


def test_a_reaper_that_is_off_is_caught() -> None:
    assert caught(Build(store=broken.WatchesNothing)) & {"shown once", "failed leaves nothing"}


@pytest.mark.parametrize(
    ("build", "breaks"), [(HEALTHY, set[str]()), (Build(store=broken.WatchesLinesAlone), {"told once"})]
)
def test_a_reaper_that_knows_no_notices_is_caught_where_nonces_are_forgotten_early(
    build: Build, breaks: set[str]
) -> None:
    assert caught(build, shape=replace(SMALL, nonce_window_s=20.0), worlds=3) == breaks


def test_b15_a_committed_stray_line_is_caught() -> None:
    assert "stray line" in caught(Build(voice=broken.CommitsStrays))


def test_b15_a_reaper_that_knows_its_own_channels_alone_is_caught() -> None:
    assert caught(Build(store=broken.WatchesItsOwnChannels), worlds=40, only=MOVED) == {"stray line"}


def test_m8_a_late_notice_that_outlives_its_line_is_caught() -> None:
    assert caught(Build(store=broken.KeepsLateNotices)) == {"late is withdrawn"}


def test_edits_and_deletions_that_are_ignored_are_caught() -> None:
    assert "history is the channel" in caught(Build(store=broken.IgnoresAmendments))


def test_an_answer_to_what_was_edited_out_of_the_play_is_caught() -> None:
    assert caught(Build(store=broken.AnswersAsides), worlds=60, only={"edits_into_aside", "slow"}) == {"one turn"}


def test_an_answer_to_a_press_that_everybody_sees_is_caught() -> None:
    assert "presses are answered" in caught(Build(replies=broken.AnswersAloud))


def test_a_press_that_nobody_answers_is_caught() -> None:
    assert caught(Build(store=broken.DeafToPresses)) == {"presses are answered"}


def test_a_retry_that_says_something_else_is_caught() -> None:
    assert "one replacement" in caught(Build(store=broken.RetriesAnew))


def test_a_retry_that_is_promised_and_not_asked_for_is_caught() -> None:
    assert "one replacement" in caught(Build(store=broken.PromisesOnly))


def test_a_prompt_that_leaves_lines_out_for_no_reason_is_caught() -> None:
    assert caught(Build(store=broken.ShortMemory)) == {"prompt"}


def test_a_catch_up_that_hears_nothing_is_caught() -> None:
    assert "history is the channel" in caught(Build(store=broken.HearsNothingAgain), worlds=12)


def test_a_turn_for_each_gathered_message_is_caught() -> None:
    assert "one turn" in caught(Build(store=broken_turns.AnswersEachMessage))


def test_a_draw_that_differs_after_a_restart_is_caught() -> None:
    assert "one draw" in caught(Build(store=broken_turns.DrawsAnew))


def test_a_prompt_that_holds_what_came_after_its_turns_messages_is_caught() -> None:
    assert "prompt" in caught(Build(store=broken_turns.ReadsAhead))


def test_a_crash_that_no_fault_explains_is_caught_though_it_is_contained() -> None:
    assert "no crash" in caught(Build(store=broken.Stumbles))


# ── the same again ──────────────────────────────────────────────────────────────────────────────────

FINGERPRINT = """
from actors.simulation.world import Order, run_world
print(run_world(Order(5, 2, responses=30, chance=0.3)).digest)
"""


def fingerprint(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run([sys.executable, "-c", FINGERPRINT], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.slow
def test_one_seed_is_one_run_in_every_process() -> None:
    here = [run_world(Order(5, 2, responses=30, chance=0.3)).digest for _ in range(2)]
    assert {*here, fingerprint("1"), fingerprint("2")} == {here[0]}
    assert run_world(Order(6, 2, responses=30, chance=0.3)).digest != here[0]


def test_the_number_of_workers_changes_nothing() -> None:
    def digests(workers: int) -> list[str]:
        orders = campaign.orders(campaign.WORLD_RESPONSES + 10, seed=3, chance=0.1, cut=Cut())
        small = [Order(3, order.index, 10, 0.1) for order in orders]
        return [result.digest for result in campaign.run(small, workers=workers)]

    assert digests(1) == digests(2)


@pytest.mark.slow
def test_a_failure_is_cut_down_to_what_matters() -> None:
    build = Build(channel=broken.LooksNowhere)
    order = Order(seed=7, index=0, responses=60, chance=0.3, shape=SMALL)
    least = shrunk(order, "read before resend", build)
    result = run_world(least, build, told=True)
    assert "read before resend" in {one.invariant for one in result.broken}
    assert least.responses < order.responses
    assert len(least.cut.without) > len(KINDS) / 2
    assert "wire" in result.story
    assert "►" in result.story
