"""Shares with confidence intervals, figures by group of people, and their text."""
