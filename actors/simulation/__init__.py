"""Simulates deterministically: runs the real actors and store against a simulated Discord, model and people.

    seed ─► World ─► process ─► (crash) ─► process ─► … ─► healed ─► invariants ─► Result
              │         └─ ActorSystem over a store in memory, on virtual time
              └─ Server (Discord), SimulatedModel, people, weather, Faults

A seed gives the same run in every process and on every machine. The core does not know that it is simulated.
"""
