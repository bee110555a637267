"""Discord's REST API: one module a family of routes, all of them plain synchronous functions."""

from . import application, channels, messages, webhooks
from .call import Route

ROUTES: tuple[Route, ...] = (
    *application.ROUTES,
    *channels.ROUTES,
    *messages.ROUTES,
    *webhooks.ROUTES,
)
