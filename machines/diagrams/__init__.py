"""Draws a machine from its running table as text, Mermaid, DOT or SVG: our machines and a developer's own.

table ─► drawable (states and rows in words) ─► layout (by hand or automatic) ─► svg
                    └──────────────────────────► notations (text, Mermaid, DOT)
"""
