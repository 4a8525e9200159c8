"""What request handlers are given."""

from typing import Annotated

from fastapi import Depends, Request

from lineside.serving.services import Services


async def get_services(request: Request) -> Services:  # async: FastAPI would run a plain function on a thread
    """The services of the app that serves this request."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
