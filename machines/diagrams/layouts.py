"""Layout hints by hand: the places of each machine's states and the routes of its edges, at each size.

The happy path is a straight line on top; the error states are below it. A machine without hints gets an automatic
layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from machines.binding import START
from machines.diagrams.automatic import automatic
from machines.diagrams.drawable import Drawable
from machines.diagrams.layout import Edge, Label, Layout, NoLayout, Place, Route, Size, Tone, edges_of

_wide = partial(Layout, box=(170.0, 64.0), state_px=18.0, fact_px=14.5, badge=(36.0, 20.0))
_compact = partial(Layout, width=480.0, height=360.0, box=(104.0, 44.0), state_px=15.5, fact_px=0.0, badge=(30.0, 18.0))

RESPONSE: Final = {
    Size.WIDE: _wide(
        width=1090.0,
        height=602.0,
        places={
            START: Place(44, 150),
            "Generating": Place(215, 150, Tone.WORK),
            "Sending": Place(555, 150, Tone.WORK),
            "Delivered": Place(965, 150, Tone.GOOD),
            "Retrying": Place(555, 400, Tone.TROUBLE),
            "Failed": Place(965, 400, Tone.BAD),
        },
        routes={
            (START, "Generating"): Route(((52, 150), (130, 150)), (86, 150), Label(88, 136)),
            (START, "Sending"): Route(((44, 142), (44, 52), (515, 52), (515, 118)), (385, 52), Label(215, 46)),
            ("Generating", "Sending"): Route(((300, 150), (470, 150)), (382, 150), Label(385, 136)),
            ("Sending", "Delivered"): Route(((640, 150), (880, 150)), (728, 150), Label(790, 136)),
            ("Sending", "Sending"): Route(
                ((560, 118), (560, 76), (610, 76), (610, 118)), (585, 76), Label(624, 84, "beside", "start")
            ),
            ("Sending", "Retrying"): Route(((515, 182), (515, 368)), (515, 218), Label(503, 280, "beside", "end")),
            ("Retrying", "Sending"): Route(((595, 368), (595, 182)), (595, 328), Label(607, 278, "beside", "start")),
            ("Generating", "Retrying"): Route(
                ((205, 182), (205, 416), (470, 416)), (205, 270), Label(337, 424, "below")
            ),
            ("Retrying", "Generating"): Route(((470, 384), (265, 384), (265, 182)), (265, 270), Label(368, 376)),
            ("Generating", "Failed"): Route(
                ((155, 182), (155, 572), (965, 572), (965, 432)), (220, 572), Label(337, 564)
            ),
            ("Sending", "Failed"): Route(
                ((640, 168), (700, 168), (700, 238), (1005, 238), (1005, 368)), (728, 238), Label(812, 230)
            ),
            ("Retrying", "Delivered"): Route(
                ((640, 384), (750, 384), (750, 306), (925, 306), (925, 182)), (750, 344), Label(838, 298)
            ),
            ("Retrying", "Retrying"): Route(
                ((530, 432), (530, 470), (580, 470), (580, 432)), (555, 470), Label(555, 486, "below")
            ),
            ("Retrying", "Failed"): Route(((640, 414), (880, 414)), (670, 414), Label(790, 422, "below")),
        },
    ),
    Size.COMPACT: _compact(
        places={
            START: Place(18, 96),
            "Generating": Place(96, 96, Tone.WORK),
            "Sending": Place(248, 96, Tone.WORK),
            "Delivered": Place(418, 96, Tone.GOOD),
            "Retrying": Place(248, 250, Tone.TROUBLE),
            "Failed": Place(418, 250, Tone.BAD),
        },
        routes={
            (START, "Generating"): Route(((26, 96), (44, 96)), (22, 120)),
            (START, "Sending"): Route(((18, 88), (18, 30), (216, 30), (216, 74)), (116, 30)),
            ("Generating", "Sending"): Route(((148, 96), (196, 96)), (170, 80)),
            ("Sending", "Delivered"): Route(((300, 96), (366, 96)), (333, 80)),
            ("Sending", "Sending"): Route(((244, 74), (244, 44), (280, 44), (280, 74)), (300, 44)),
            ("Sending", "Retrying"): Route(((226, 118), (226, 228)), (226, 155)),
            ("Retrying", "Sending"): Route(((270, 228), (270, 118)), (270, 190)),
            ("Generating", "Retrying"): Route(((88, 118), (88, 260), (196, 260)), (88, 200)),
            ("Retrying", "Generating"): Route(((196, 240), (124, 240), (124, 118)), (124, 160)),
            ("Generating", "Failed"): Route(((60, 118), (60, 334), (418, 334), (418, 272)), (140, 334)),
            ("Sending", "Failed"): Route(((300, 108), (322, 108), (322, 152), (440, 152), (440, 228)), (362, 152)),
            ("Retrying", "Delivered"): Route(((300, 240), (322, 240), (322, 200), (400, 200), (400, 118)), (362, 200)),
            ("Retrying", "Retrying"): Route(((230, 272), (230, 302), (266, 302), (266, 272)), (286, 302)),
            ("Retrying", "Failed"): Route(((300, 260), (366, 260)), (333, 274)),
        },
    ),
}

SESSION: Final = {
    Size.WIDE: _wide(
        width=1090.0,
        height=520.0,
        places={
            START: Place(44, 162),
            "Idle": Place(215, 162, Tone.REST),
            "Responding": Place(555, 162, Tone.WORK),
            "Ended": Place(965, 162, Tone.REST),
            "Paused": Place(385, 400, Tone.TROUBLE),
        },
        routes={
            (START, "Idle"): Route(((52, 162), (130, 162)), (86, 162), Label(88, 148)),
            ("Idle", "Responding"): Route(((300, 150), (470, 150)), (382, 150), Label(385, 136)),
            ("Responding", "Idle"): Route(((470, 174), (300, 174)), (388, 174), Label(385, 188, "below")),
            ("Responding", "Responding"): Route(
                ((530, 130), (530, 86), (580, 86), (580, 130)), (555, 86), Label(594, 96, "beside", "start")
            ),
            ("Responding", "Ended"): Route(((640, 162), (880, 162)), (758, 162), Label(758, 148)),
            ("Idle", "Ended"): Route(
                ((215, 130), (215, 40), (965, 40), (965, 130)), (758, 40), Label(385, 48, "below")
            ),
            ("Idle", "Paused"): Route(
                ((190, 194), (190, 412), (300, 412)), (190, 340), Label(178, 290, "beside", "end")
            ),
            ("Paused", "Idle"): Route(
                ((300, 388), (240, 388), (240, 194)), (240, 340), Label(252, 290, "beside", "start")
            ),
            ("Responding", "Paused"): Route(
                ((580, 194), (580, 412), (470, 412)), (580, 340), Label(592, 290, "beside", "start")
            ),
            ("Paused", "Responding"): Route(
                ((470, 388), (530, 388), (530, 194)), (530, 340), Label(518, 290, "beside", "end")
            ),
            ("Paused", "Paused"): Route(
                ((325, 432), (325, 476), (360, 476), (360, 432)), (342, 476), Label(313, 470, "beside", "end")
            ),
            ("Paused", "Ended"): Route(((400, 432), (400, 484), (965, 484), (965, 194)), (480, 484), Label(758, 476)),
        },
    ),
    Size.COMPACT: _compact(
        places={
            START: Place(18, 104),
            "Idle": Place(96, 104, Tone.REST),
            "Responding": Place(248, 104, Tone.WORK),
            "Ended": Place(418, 104, Tone.REST),
            "Paused": Place(172, 262, Tone.TROUBLE),
        },
        routes={
            (START, "Idle"): Route(((26, 104), (44, 104)), (22, 128)),
            ("Idle", "Responding"): Route(((148, 96), (196, 96)), (172, 80)),
            ("Responding", "Idle"): Route(((196, 112), (148, 112)), (172, 128)),
            ("Responding", "Responding"): Route(((230, 82), (230, 54), (266, 54), (266, 82)), (286, 54)),
            ("Responding", "Ended"): Route(((300, 104), (366, 104)), (333, 88)),
            ("Idle", "Ended"): Route(((96, 82), (96, 24), (418, 24), (418, 82)), (180, 24)),
            ("Idle", "Paused"): Route(((72, 126), (72, 270), (120, 270)), (72, 216)),
            ("Paused", "Idle"): Route(((120, 254), (106, 254), (106, 126)), (106, 176)),
            ("Responding", "Paused"): Route(((272, 126), (272, 270), (224, 270)), (272, 216)),
            ("Paused", "Responding"): Route(((224, 254), (238, 254), (238, 126)), (238, 176)),
            ("Paused", "Paused"): Route(((130, 284), (130, 314), (160, 314), (160, 284)), (112, 314)),
            ("Paused", "Ended"): Route(((190, 284), (190, 328), (418, 328), (418, 126)), (300, 328)),
        },
    ),
}

BREAKER: Final = {
    Size.WIDE: _wide(
        width=920.0,
        height=460.0,
        places={
            START: Place(44, 150),
            "Closed": Place(215, 150, Tone.GOOD),
            "HalfOpen": Place(735, 150, Tone.TROUBLE),
            "Open": Place(455, 340, Tone.BAD),
        },
        routes={
            (START, "Closed"): Route(((52, 150), (130, 150)), (86, 150)),
            ("Closed", "Closed"): Route(
                ((190, 118), (190, 74), (240, 74), (240, 118)), (215, 74), Label(254, 72, "beside", "start")
            ),
            ("Closed", "Open"): Route(((215, 182), (215, 340), (370, 340)), (215, 250), Label(290, 332)),
            ("Open", "Open"): Route(
                ((430, 372), (430, 416), (480, 416), (480, 372)), (455, 416), Label(494, 408, "beside", "start")
            ),
            ("Open", "HalfOpen"): Route(((540, 326), (705, 326), (705, 182)), (705, 250), Label(618, 318)),
            ("HalfOpen", "HalfOpen"): Route(
                ((710, 118), (710, 74), (760, 74), (760, 118)), (735, 74), Label(774, 84, "beside", "start")
            ),
            ("HalfOpen", "Closed"): Route(((650, 150), (300, 150)), (478, 150), Label(478, 136)),
            ("HalfOpen", "Open"): Route(((765, 182), (765, 354), (540, 354)), (765, 250), Label(654, 362, "below")),
        },
    ),
    Size.COMPACT: _compact(
        places={
            START: Place(18, 104),
            "Closed": Place(96, 104, Tone.GOOD),
            "HalfOpen": Place(392, 104, Tone.TROUBLE),
            "Open": Place(240, 250, Tone.BAD),
        },
        routes={
            (START, "Closed"): Route(((26, 104), (44, 104)), (22, 128)),
            ("Closed", "Closed"): Route(((78, 82), (78, 52), (114, 52), (114, 82)), (134, 52)),
            ("Closed", "Open"): Route(((96, 126), (96, 250), (188, 250)), (96, 190)),
            ("Open", "Open"): Route(((222, 272), (222, 304), (258, 304), (258, 272)), (278, 304)),
            ("Open", "HalfOpen"): Route(((292, 240), (372, 240), (372, 126)), (372, 176)),
            ("HalfOpen", "HalfOpen"): Route(((374, 82), (374, 52), (410, 52), (410, 82)), (430, 52)),
            ("HalfOpen", "Closed"): Route(((340, 104), (148, 104)), (240, 104)),
            ("HalfOpen", "Open"): Route(((412, 126), (412, 260), (292, 260)), (412, 210)),
        },
    ),
}

CONNECTION: Final = {
    Size.WIDE: _wide(
        width=1090.0,
        height=420.0,
        places={
            START: Place(44, 150),
            "Connecting": Place(215, 150, Tone.WORK),
            "Ready": Place(555, 150, Tone.GOOD),
            "Resuming": Place(895, 150, Tone.TROUBLE),
            "Down": Place(555, 340, Tone.BAD),
        },
        routes={
            (START, "Connecting"): Route(((52, 150), (130, 150)), (86, 150), Label(88, 110)),
            ("Connecting", "Ready"): Route(((300, 150), (470, 150)), (382, 150), Label(385, 136)),
            ("Ready", "Ready"): Route(
                ((530, 118), (530, 74), (580, 74), (580, 118)), (555, 74), Label(594, 84, "beside", "start")
            ),
            ("Ready", "Resuming"): Route(((640, 138), (810, 138)), (725, 138), Label(725, 124)),
            ("Resuming", "Ready"): Route(((810, 162), (640, 162)), (725, 162), Label(725, 176, "below")),
            ("Resuming", "Resuming"): Route(
                ((870, 118), (870, 74), (920, 74), (920, 118)), (895, 74), Label(934, 84, "beside", "start")
            ),
            ("Connecting", "Down"): Route(((240, 182), (240, 328), (470, 328)), (240, 250), Label(355, 320)),
            ("Down", "Connecting"): Route(((470, 352), (190, 352), (190, 182)), (190, 280), Label(330, 360, "below")),
            ("Ready", "Down"): Route(((555, 182), (555, 308)), (555, 218), Label(567, 262, "beside", "start")),
            ("Resuming", "Down"): Route(((895, 182), (895, 340), (640, 340)), (895, 250), Label(768, 348, "below")),
        },
    ),
    Size.COMPACT: _compact(
        places={
            START: Place(18, 104),
            "Connecting": Place(96, 104, Tone.WORK),
            "Ready": Place(248, 104, Tone.GOOD),
            "Resuming": Place(418, 104, Tone.TROUBLE),
            "Down": Place(248, 250, Tone.BAD),
        },
        routes={
            (START, "Connecting"): Route(((26, 104), (44, 104)), (22, 128)),
            ("Connecting", "Ready"): Route(((148, 104), (196, 104)), (172, 88)),
            ("Ready", "Ready"): Route(((230, 82), (230, 54), (266, 54), (266, 82)), (286, 54)),
            ("Ready", "Resuming"): Route(((300, 96), (366, 96)), (333, 80)),
            ("Resuming", "Ready"): Route(((366, 112), (300, 112)), (333, 128)),
            ("Resuming", "Resuming"): Route(((400, 82), (400, 54), (436, 54), (436, 82)), (456, 54)),
            ("Connecting", "Down"): Route(((116, 126), (116, 240), (196, 240)), (116, 180)),
            ("Down", "Connecting"): Route(((196, 260), (76, 260), (76, 126)), (76, 200)),
            ("Ready", "Down"): Route(((248, 126), (248, 228)), (248, 178)),
            ("Resuming", "Down"): Route(((418, 126), (418, 250), (300, 250)), (418, 190)),
        },
    ),
}

LAYOUTS: Final[Mapping[str, Mapping[Size, Layout]]] = {
    "response": RESPONSE,
    "session": SESSION,
    "breaker": BREAKER,
    "connection": CONNECTION,
}

_BLANK: Final = {
    Size.WIDE: _wide(width=0.0, height=0.0, places={}, routes={}, with_guards=True),
    Size.COMPACT: _compact(width=0.0, height=0.0, places={}, routes={}),
}


def layout_of(machine: Drawable, size: Size = Size.WIDE) -> Layout:
    """The machine's layout: from its hints, else automatic. Raises NoLayout, with the names, if hints are missing."""
    layouts = LAYOUTS.get(machine.name)
    if layouts is None:
        return automatic_layout(machine, size)
    layout = layouts[size]
    states = {START, *machine.states}
    missing = [f"state {state}" for state in sorted(states) if state not in layout.places]
    missing += [f"edge {_words(edge)}" for edge in edges_of(machine) if edge not in layout.routes]
    if missing:
        raise NoLayout(f"the {size} layout of {machine.name} has no hint for {', '.join(missing)}")
    return layout


def automatic_layout(machine: Drawable, size: Size = Size.WIDE) -> Layout:
    """An automatic layout of any machine, even if it has the name of one of ours."""
    return automatic(machine, _BLANK[size])


def _words(edge: Edge) -> str:
    return f"{edge[0]} to {edge[1]}"
