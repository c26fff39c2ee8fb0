"""How fetching fails, and the words in which addresses are shown."""

from __future__ import annotations

import httpx

SAVE_IT = "Open the address in a browser, save the report yourself, and add the file."
"""What helps whenever a server does not serve programs."""

LATER = "Run the same command again later: what has arrived is kept."


def shown(url: httpx.URL | str) -> str:
    """Return an address as it may be shown: without user names, passwords, query and fragment."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "The address"
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.scheme}://{parsed.host}{port}{parsed.path}"
