"""Spoken turns."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, heatmap, rate, share, stage

VOICE = Board(
    "talk-voice",
    "Talk / Voice turns",
    "A spoken turn from the end of the question to the last sound, stage by stage.",
    rows={
        "From question to sound": [
            Panel("1. Recognition", "From the end of the upload to the transcript.", "s", stage("asr"), width=8),
            Panel("2. First text", "From the model's request to its first text.", "s", stage("llm_ttft"), width=8),
            Panel(
                "3. First sentence",
                "From the model's request to the first sentence that can be spoken.",
                "s",
                stage("first_sentence"),
                width=8,
            ),
            Panel(
                "4. First sound of a sentence",
                "From the request to the voice to its first sound.",
                "s",
                stage("tts_ttfb"),
                width=8,
            ),
            Panel(
                "5. First audio",
                "From the end of the upload to the first sound that is sent: what the user waits for. The "
                "objective is 1.5 s.",
                "s",
                stage("first_audio"),
                width=8,
            ),
            Panel("6. Whole turn", "From the end of the upload to the last sound.", "s", stage("total"), width=8),
        ],
        "Spread": [
            heatmap(
                "First audio",
                "How long after the end of a question the answer is heard.",
                'talk_gateway_turn_stage_seconds_bucket{stage="first_audio"}',
            ),
            heatmap(
                "Recognition", "How long recognition takes.", 'talk_gateway_turn_stage_seconds_bucket{stage="asr"}'
            ),
            Panel(
                "First audio within 1.5 s",
                "The part of the voice turns that meet the objective.",
                "percentunit",
                share(
                    'talk_gateway_turn_stage_seconds_bucket{stage="first_audio",le="1.5"}',
                    'talk_gateway_turn_stage_seconds_count{stage="first_audio"}',
                ),
            ),
            Panel(
                "Voice turns by outcome",
                "Spoken turns a second that completed, failed or were left.",
                "reqps",
                rate("talk_gateway_turns_total", "outcome", '{kind="voice"}'),
                stacked=True,
            ),
            Panel(
                "Mean time of each stage",
                "Seconds of a stage, on average: they add up to little more than the turn, since stages overlap.",
                "s",
                {
                    "{{stage}}": f"sum by (stage) (rate(talk_gateway_turn_stage_seconds_sum{RATE}))"
                    f" / (sum by (stage) (rate(talk_gateway_turn_stage_seconds_count{RATE})) > 0)"
                },
            ),
            Panel(
                "Voice turns under way",
                "Spoken turns that run at this moment.",
                "short",
                {"{{kind}}": 'sum by (kind) (talk_gateway_turns_running{kind="voice"})'},
            ),
        ],
    },
)
