"""Figures of parts of the data: groups of people, degraded photographs."""
