"""Scores, intervals and evidence."""
