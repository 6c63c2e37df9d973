"""The page: built files, with the headers that let a browser trust and cache them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from talk_kit.errors import NotFound

# Everything comes from this origin; sound is made in the page (blob:), nothing is framed.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Best first: each asset lies beside itself in these, written when the page was built.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
# What Python's own table of 3.11 does not know.
MEDIA_TYPES = {".webmanifest": "application/manifest+json"}


def web_folder() -> Path:
    """The built page: inside the installed package, or beside it in a checkout."""
    packaged = Path(str(files("talk_gateway"))) / "web"
    return packaged if packaged.is_dir() else packaged.parent.parent / "web" / "dist"


def accepted_encodings(header: str) -> list[str]:
    """Those of ENCODINGS that an `Accept-Encoding` accepts (RFC 9110, 12.5.3), by its weights, then by ours."""
    weights: dict[str, float] = {}
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weights[name] = _weight(parameters)
    offered = {name: weights.get(name, weights.get("*", 0.0)) for name in ENCODINGS}
    return sorted((name for name, weight in offered.items() if weight > 0), key=lambda name: -offered[name])


def _weight(parameters: list[str]) -> float:
    """The `q` of an item; one that cannot be read accepts nothing."""
    written = next((value for value in parameters if value.startswith("q=")), "q=1")
    try:
        return float(written.removeprefix("q="))
    except ValueError:
        return 0.0


class HashedAssets(StaticFiles):
    """Files whose names change with their content: kept for ever, and sent compressed where the client takes that."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await self._compressed(path, scope) or await super().get_response(path, scope)
        response.headers.update({**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"})
        response.headers.add_vary_header("Accept-Encoding")
        return response

    async def _compressed(self, path: str, scope: Scope) -> Response | None:
        """The asset in the best encoding that is there, under its own media type."""
        if Path(path).suffix in ENCODINGS.values():
            return None
        for encoding in accepted_encodings(Headers(scope=scope).get("accept-encoding", "")):
            full_path, stat = self.lookup_path(path + ENCODINGS[encoding])
            if stat is None:
                continue
            response = self.file_response(full_path, stat, scope)
            response.headers["Content-Encoding"] = encoding
            if "content-type" in response.headers:  # a 304 has none
                response.headers["Content-Type"] = _media_type(path)
            return response
        return None


def _media_type(name: str) -> str:
    """The Content-Type of a file of that name."""
    media_type = MEDIA_TYPES.get(Path(name).suffix) or FileResponse(name).media_type or "application/octet-stream"
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def page_routes(folder: Path) -> list[Route | Mount]:
    """`/`, the files beside it, and `/assets`; none where the page was not built."""
    if not (folder / "index.html").is_file():
        return []
    beside = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != "index.html"}

    async def index(_request: Request) -> Response:
        return FileResponse(folder / "index.html", headers={**SECURITY_HEADERS, "Cache-Control": "no-cache"})

    async def file(request: Request) -> Response:
        path = beside.get(request.path_params["name"])
        if path is None:
            raise NotFound(f"There is nothing at {request.url.path}.")
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-cache"}
        return FileResponse(path, headers=headers, media_type=MEDIA_TYPES.get(path.suffix))

    assets = folder / "assets"
    mounts = [Mount("/assets", HashedAssets(directory=assets))] if assets.is_dir() else []
    return [Route("/", index), *mounts, Route("/{name}", file)]
