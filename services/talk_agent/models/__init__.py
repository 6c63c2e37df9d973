"""Language models for ADK.

`build.build_model` makes the model of a TalkAgent and `build.chain_probe` its probe; `reply` says what each model
yields and raises, alike for all. Data flows one way:

    openai_compatible | litellm_model -> chunks (tool_calls, thoughts) -> merge -> reply -> fallback -> ADK
"""
