"""Figures and how sure they are: intervals, groups, words, Markdown tables."""
