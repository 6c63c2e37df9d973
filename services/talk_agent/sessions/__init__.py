"""Conversations: what is stored, where, and who may write."""
