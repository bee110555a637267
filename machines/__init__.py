"""Every state machine of Ensemble, one file each: facts in, states and effects out, and nothing else.

A machine never waits, never reads a clock and never touches the world. Actors do that, and tell the
machine what came of it.
"""
