"""The HTTP routes: OpenAI's shapes at the edge, engines behind."""
