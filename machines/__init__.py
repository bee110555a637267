"""The state machines of Ensemble, one file each: a machine takes facts and returns states and effects.

A machine never waits, reads a clock or does I/O. Actors do that, and report the results as facts.
"""
