"""Stand-ins for what Talk talks to: real servers on loopback with scripted behaviour."""
