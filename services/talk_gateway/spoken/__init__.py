"""Spoken text: a streamed reply, cut into pieces for the speech provider. Pure: no clock, no I/O."""

from talk_gateway.spoken.speakable import speakable as speakable
from talk_gateway.spoken.splitter import Piece as Piece
from talk_gateway.spoken.splitter import SpeechSplitter as SpeechSplitter
