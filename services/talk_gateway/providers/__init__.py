"""Adapters to speech providers: OpenAI-compatible ASR and TTS."""
