-- What became of the slip of a ticket taken at a kiosk with a printer.

ALTER TABLE ticket
    ADD COLUMN print_state text CHECK (print_state IN ('printed', 'print_failed')),
    ADD COLUMN printed_at  timestamptz;
COMMENT ON COLUMN ticket.print_state IS 'NULL: never sent to a printer, or being printed now (then printed_at is set).';
COMMENT ON COLUMN ticket.printed_at IS 'When the slip was last sent to the printer.';
