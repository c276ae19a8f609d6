-- The leases of write fences. The newest lease of a stream decides: its fence is closed while that lease is permanent,
-- or is leased and has not expired by the clock of this server. Without a lease the fence is open.
CREATE TABLE lease (
    stream text NOT NULL,
    -- Closing and opening add a row, so neither waits for a transaction that locks an older one.
    epoch bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('leased', 'permanent', 'open')),
    expires_at timestamptz NOT NULL,
    -- The session user whose writes pass.
    holder name NOT NULL DEFAULT session_user,
    -- The transaction that added the row. Snapshots taken before its commit do not see the lease.
    added_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- Identifies the last change, so that a change whose reply was lost is not made twice.
    change text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, epoch)
);

-- Every change of a lease. It is one statement, so a controller that stops during it leaves no open transaction.
CREATE FUNCTION change_lease(of_stream text, action text, of_epoch bigint, seconds double precision, change_id text)
RETURNS TABLE (taken boolean, now_epoch bigint, now_state text, now_expires_at timestamptz, read_at timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest millrace.lease;
    took boolean := true;
BEGIN
    -- One change at a time. Triggers take ROW SHARE, which does not conflict.
    LOCK TABLE millrace.lease IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO newest FROM millrace.lease l WHERE l.stream = of_stream ORDER BY l.epoch DESC LIMIT 1;
    IF newest.change = change_id THEN
        NULL;
    ELSIF action = 'close' AND newest.state IS DISTINCT FROM 'permanent'
            AND NOT (newest.state IS NOT DISTINCT FROM 'leased' AND newest.expires_at > clock_timestamp()) THEN
        INSERT INTO millrace.lease (stream, epoch, state, expires_at, change)
        VALUES (of_stream, coalesce(newest.epoch, 0) + 1, 'leased',
            clock_timestamp() + make_interval(secs => seconds), change_id);
    ELSIF action = 'close permanently' AND newest.epoch IS NULL THEN
        INSERT INTO millrace.lease (stream, epoch, state, expires_at, change)
        VALUES (of_stream, 1, 'permanent', 'infinity', change_id);
    ELSIF action IN ('renew', 'make permanent') AND newest.epoch = of_epoch AND newest.state = 'leased' THEN
        BEGIN
            -- A write that passes an expired lease locks its row first. Then the lease stays expired.
            PERFORM FROM millrace.lease l WHERE l.stream = of_stream AND l.epoch = of_epoch FOR UPDATE NOWAIT;
            took := newest.expires_at > clock_timestamp();
        EXCEPTION WHEN lock_not_available THEN
            took := false;
        END;
        IF took AND action = 'renew' THEN
            UPDATE millrace.lease l SET change = change_id, changed_at = clock_timestamp(),
                expires_at = greatest(l.expires_at, clock_timestamp() + make_interval(secs => seconds))
            WHERE l.stream = of_stream AND l.epoch = of_epoch;
        ELSIF took THEN
            UPDATE millrace.lease l SET change = change_id, changed_at = clock_timestamp(),
                expires_at = 'infinity', state = 'permanent'
            WHERE l.stream = of_stream AND l.epoch = of_epoch;
        END IF;
    ELSIF newest.epoch = of_epoch
            AND (action = 'lift' AND newest.state = 'leased' OR action = 'open' AND newest.state = 'permanent') THEN
        INSERT INTO millrace.lease (stream, epoch, state, expires_at, change)
        VALUES (of_stream, newest.epoch + 1, 'open', '-infinity', change_id);
    ELSE
        took := false;
    END IF;
    RETURN QUERY SELECT took, l.epoch, l.state, l.expires_at, clock_timestamp()
        FROM (SELECT) one LEFT JOIN millrace.lease l ON l.stream = of_stream ORDER BY l.epoch DESC LIMIT 1;
END
$$;

REVOKE ALL ON FUNCTION change_lease(text, text, bigint, double precision, text) FROM PUBLIC;

-- The trigger function of every fence; its argument is the stream. It runs with the rights of its owner, because the
-- application's roles may not read the lease. A session with millrace.probe = 'on' is never exempt, so that Millrace
-- can run the same check as another role in a session of its own.
CREATE FUNCTION refuse_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest millrace.lease;
BEGIN
    SELECT * INTO newest FROM millrace.lease l WHERE l.stream = TG_ARGV[0] ORDER BY l.epoch DESC LIMIT 1;
    IF newest.state = 'open'
            OR session_user = newest.holder AND current_setting('millrace.probe', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    IF newest.state = 'leased' AND newest.expires_at <= clock_timestamp() THEN
        -- It may have been renewed or made permanent: by a transaction that has not committed yet, or, under
        -- REPEATABLE READ, since this snapshot. The lock waits for the first and fails with 40001 after the second.
        -- It also keeps the lease from being renewed after this write has passed.
        SELECT * INTO newest FROM millrace.lease l
        WHERE l.stream = TG_ARGV[0] AND l.epoch = newest.epoch FOR SHARE;
    END IF;
    IF newest.state = 'permanent' OR newest.state = 'leased' AND newest.expires_at > clock_timestamp() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = format('Table %I.%I is closed for writes by migration %s.',
                TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]),
            HINT = CASE newest.state
                WHEN 'leased' THEN 'The migration is switching this table to the new database; reconnect and retry.'
                ELSE 'The other database of the migration takes the writes of this table; connect to it.' END,
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION refuse_write() FROM PUBLIC;
