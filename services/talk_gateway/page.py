"""The page: built files, with the headers that let a browser trust and cache them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

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


def web_folder() -> Path:
    """The built page: inside the installed package, or beside it in a checkout."""
    packaged = Path(str(files("talk_gateway"))) / "web"
    return packaged if packaged.is_dir() else packaged.parent.parent / "web" / "dist"


class HashedAssets(StaticFiles):
    """Files whose names change with their content: kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"})
        return response


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
        return FileResponse(path, headers={**SECURITY_HEADERS, "Cache-Control": "no-cache"})

    assets = folder / "assets"
    mounts = [Mount("/assets", HashedAssets(directory=assets))] if assets.is_dir() else []
    return [Route("/", index), *mounts, Route("/{name}", file)]
