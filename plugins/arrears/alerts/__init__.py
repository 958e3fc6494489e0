"""Alerts: what is wrong, what it means for customers, what to do. Told once, again while it lasts, and when it ends."""
