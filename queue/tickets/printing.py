"""Which slips were printed: once for each ticket, and again only when somebody asks."""

from __future__ import annotations

import structlog

from kit.database import Database
from tickets.hall import queries
from tickets.printer import PrinterAddress, PrintState, send
from tickets.ticket import Token

log = structlog.get_logger()


class Printing:
    """Prints slips and records what became of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def print_slip(self, token: Token, slip: bytes, printer: PrinterAddress, *, again: bool) -> PrintState | None:
        """Print the ticket's ``slip`` unless that was done before, or, with ``again``, once more.

        The answer is what became of it; None while another request prints it, and for a ticket that has left the line
        without one. Raises DatabaseUnavailable.
        """
        if not await self._claim(token, again):
            return await self._state(token)
        outcome = await send(printer.host, printer.port, slip)
        if outcome.reason is not None:
            office = token.office_key
            log.warning("slip_not_printed", office=office, reason=outcome.reason)
        async with self._database.connection() as connection:
            await queries.ticket_print_done.run(
                connection, day=token.day, token=token.text, print_state=outcome.state.value
            )
        return outcome.state

    async def _claim(self, token: Token, again: bool) -> bool:
        async with self._database.connection() as connection:
            row = await queries.ticket_print_claim.row(connection, day=token.day, token=token.text, again=again)
        return row is not None

    async def _state(self, token: Token) -> PrintState | None:
        async with self._database.connection() as connection:
            state = await queries.ticket_print_read.value(connection, day=token.day, token=token.text)
        return PrintState(state) if state is not None else None
