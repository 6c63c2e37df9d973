"""`talk run`: a plan of processes (pure), and their supervisor."""
