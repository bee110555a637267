"""Deterministic simulation: the real actors and store against a simulated Discord, model and people.

    seed ─► World ─► process ─► (crash) ─► process ─► … ─► healed ─► invariants ─► Result
              │         └─ ActorSystem over a store in memory, on virtual time
              └─ Server (Discord), SimulatedModel, people, weather, Faults

One seed is one run, in every process and on every machine. Nothing of the core knows that it is simulated.
"""
