"""Sound at the edge: a client's recording becomes 16 kHz mono WAV, a provider's speech becomes mp3, WAV or PCM."""
