"""Load that knows what it was promised: turns as real clients send them, and what of them is kept."""
