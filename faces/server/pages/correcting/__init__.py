"""Corrections on the pages: what was recognized, enrolled or removed by mistake."""
