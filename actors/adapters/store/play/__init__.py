"""Reads and writes of the actors: sessions, turns, responses, the history, the outbox."""
