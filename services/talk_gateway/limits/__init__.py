"""How much: requests, turns at once and tokens, of callers, addresses and agents."""
