"""Discord's REST API: one module a family of routes, all of them plain synchronous functions."""

from . import application, channels, interactions, messages, webhooks
from .call import Route

ROUTES: tuple[Route, ...] = (
    *application.ROUTES,
    *channels.ROUTES,
    *messages.ROUTES,
    *interactions.ROUTES,  # before the webhooks', whose paths would take `@original` for an id
    *webhooks.ROUTES,
)
