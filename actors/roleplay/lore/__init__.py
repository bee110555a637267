"""Lore: books whose entries enter a prompt when they are spoken of.

    file ─► reading (with decorators, values) ─► Book
    books, messages, state, seed ─► activation (filters, keys, groups, draws, budget) ─► fired, missed, timers

Sources: SillyTavern's world info; Character Card V2 and V3 specifications.
"""
