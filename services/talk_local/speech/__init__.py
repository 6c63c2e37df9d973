"""Text to speech: from written English to sound, in one direction.

    clauses -> reading (numbers, quantities, dates, abbreviations, addresses) -> pronunciation
    (lexicon, morphology, letter_to_sound) -> phonemes -> voice

Every module but `voice` is pure: text in, text out. Between `reading` and `pronunciation` a text consists of words,
the marks `, . ; : ! ?` and letters to be named (`rules.LETTER` before each).
"""
