"""Lists the routes of Discord's REST API: one module per family of routes, all plain synchronous functions."""

from . import application, channels, interactions, messages, webhooks
from .call import Route

ROUTES: tuple[Route, ...] = (
    *application.ROUTES,
    *channels.ROUTES,
    *messages.ROUTES,
    *interactions.ROUTES,  # before the webhooks', whose paths would take `@original` for an id
    *webhooks.ROUTES,
)
