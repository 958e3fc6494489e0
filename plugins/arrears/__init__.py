"""Arrears: whom to contact about a late loan, how, and whom to leave alone."""
