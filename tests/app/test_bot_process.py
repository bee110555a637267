"""The bot as a child process: killed, started again, and never left behind."""

import os
import sys
from pathlib import Path

import anyio

from actors.app.bot_process import bot_process
from actors.playground import BotState
from tests.patience import PATIENCE_S

LASTING = (sys.executable, "-c", "import signal; signal.pause()")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_bot_is_gone_and_can_be_started_again() -> None:
    states: list[BotState] = []
    ended = anyio.Event()
    async with bot_process({}, LASTING) as bot:

        def note() -> None:
            states.append(bot.state)
            if bot.state is BotState.STOPPED:
                ended.set()

        bot.watch(note)
        await bot.start()
        first = bot.pid
        assert first is not None
        assert is_alive(first)
        await bot.kill()
        assert (bot.state, is_alive(first)) == (BotState.STOPPED, False)
        with anyio.fail_after(PATIENCE_S):
            await ended.wait()
        await bot.start()
        assert bot.pid not in (None, first)
    assert states[:3] == [BotState.RUNNING, BotState.STOPPED, BotState.RUNNING]


async def test_a_second_start_changes_nothing() -> None:
    async with bot_process({}, LASTING) as bot:
        await bot.start()
        pid = bot.pid
        await bot.start()
        assert bot.pid == pid


async def test_no_process_is_left_behind() -> None:
    async with bot_process({}, LASTING) as bot:
        await bot.start()
        pid = bot.pid
    assert pid is not None
    assert not is_alive(pid)


async def test_a_bot_that_ends_by_itself_is_told() -> None:
    ended = anyio.Event()
    async with bot_process({}, (sys.executable, "-c", "")) as bot:
        bot.watch(lambda: ended.set() if bot.state is BotState.STOPPED else None)
        await bot.start()
        with anyio.fail_after(PATIENCE_S):
            await ended.wait()


async def test_the_bot_is_given_its_environment(tmp_path: Path) -> None:
    told, ended = tmp_path / "told", anyio.Event()
    script = "import os, sys; open(sys.argv[1], 'w').write(os.environ['PLAY'])"
    async with bot_process({"PLAY": "yes"}, (sys.executable, "-c", script, str(told))) as bot:
        bot.watch(lambda: ended.set() if bot.state is BotState.STOPPED else None)
        await bot.start()
        with anyio.fail_after(PATIENCE_S):
            await ended.wait()
    assert told.read_text() == "yes"
