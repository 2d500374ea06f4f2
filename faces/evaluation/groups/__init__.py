"""Figures for parts of the data: groups of people, and degraded photographs."""
