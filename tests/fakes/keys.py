"""Keys of sites that do not exist."""

from agent.seal.keys import SiteKey

KEY = SiteKey(bytes(range(32)))
OTHER = SiteKey(bytes(range(1, 33)))
