"""One TalkAgent as a service: ADK's runner, models, tools and sessions behind `/v1/agents/{name}/chat`.

ADK and litellm read these switches when they are imported, so they are set before any module of this room is.
"""

import os

# Spans never hold what people and models say.
os.environ["ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS"] = "false"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "false"
# litellm would otherwise fetch its price list from the internet, and read a .env file of the working directory.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"
