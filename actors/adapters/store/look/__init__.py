"""Read-only queries for the audit, the inspector, `report`, `transcript` and `/debug`."""
