-- The journal becomes a chain: each entry contains the hash of the one before it, so that an entry that was changed,
-- removed, inserted or moved is found. The hash is computed here, in the statement of the writer, whichever it is.
ALTER TABLE journal RENAME TO journal_before;

CREATE TABLE journal (
    migration text NOT NULL,
    -- The place in the chain of the migration, from 1 without gaps.
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    who text NOT NULL,
    phase text NOT NULL,
    event text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    -- SHA-256 in hexadecimal: of the entry before this one (64 zeros for the first), and of this one.
    previous text NOT NULL,
    hash text NOT NULL,
    CONSTRAINT journal_number PRIMARY KEY (migration, number)
);

-- The newest entry of each migration. It shows that the newest entries were removed, and its lock lets one writer of a
-- migration at a time add an entry.
CREATE TABLE journal_head (
    migration text PRIMARY KEY,
    number bigint NOT NULL,
    hash text NOT NULL,
    -- The migration is being removed: no entry is added any more, and entries may be deleted.
    closed boolean NOT NULL DEFAULT false
);

-- Sets number, time and hashes of a new entry; a writer gives none of them.
CREATE FUNCTION chain_journal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head millrace.journal_head;
BEGIN
    INSERT INTO millrace.journal_head (migration, number, hash) VALUES (NEW.migration, 0, repeat('0', 64))
    ON CONFLICT (migration) DO NOTHING;
    SELECT * INTO STRICT head FROM millrace.journal_head h WHERE h.migration = NEW.migration FOR UPDATE;
    IF head.closed THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('The journal of migration %s is closed, because the migration is being removed.',
                NEW.migration);
    END IF;
    NEW.number := head.number + 1;
    NEW.previous := head.hash;
    -- After the lock, so that a later entry has no earlier time.
    NEW.at := coalesce(NEW.at, clock_timestamp());
    -- Each field with its length in bytes, so that no two entries have the same text. JournalChain does the same.
    SELECT encode(sha256(string_agg(
            convert_to(octet_length(convert_to(field, 'UTF8')) || ':', 'UTF8') || convert_to(field, 'UTF8'),
            ''::bytea ORDER BY place)), 'hex')
    INTO NEW.hash
    FROM unnest(ARRAY['millrace journal 1', NEW.previous, NEW.migration, NEW.number::text,
        (extract(epoch FROM NEW.at) * 1000000)::bigint::text, NEW.who, NEW.phase, NEW.event, NEW.detail::text])
        WITH ORDINALITY AS entry (field, place);
    UPDATE millrace.journal_head h SET number = NEW.number, hash = NEW.hash WHERE h.migration = NEW.migration;
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION chain_journal() FROM PUBLIC;

-- Refuses everything but new entries, and the removal of the entries of a closed journal.
CREATE FUNCTION keep_journal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_LEVEL = 'ROW' AND TG_TABLE_NAME = 'journal' THEN
        IF EXISTS (SELECT FROM millrace.journal_head h WHERE h.migration = OLD.migration AND h.closed) THEN
            RETURN OLD;
        END IF;
    ELSIF TG_LEVEL = 'ROW' AND TG_OP = 'DELETE' THEN
        IF OLD.closed THEN
            RETURN OLD;
        END IF;
    ELSIF TG_LEVEL = 'ROW' THEN
        -- A new entry moves its head.
        IF pg_trigger_depth() > 1 THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND NEW.closed
                AND (NEW.migration, NEW.number, NEW.hash) = (OLD.migration, OLD.number, OLD.hash) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('%s of %I.%I is refused: entries are only added to the journal.',
            TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = 'Millrace removes the entries of a migration after complete or abort, when its archive contains them.';
END
$$;

REVOKE ALL ON FUNCTION keep_journal() FROM PUBLIC;

CREATE TRIGGER chain BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION chain_journal();
CREATE TRIGGER keep BEFORE UPDATE OR TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION keep_journal();
CREATE TRIGGER keep_rows BEFORE DELETE ON journal FOR EACH ROW EXECUTE FUNCTION keep_journal();
CREATE TRIGGER keep BEFORE TRUNCATE ON journal_head FOR EACH STATEMENT EXECUTE FUNCTION keep_journal();
CREATE TRIGGER keep_rows BEFORE INSERT OR UPDATE OR DELETE ON journal_head
    FOR EACH ROW EXECUTE FUNCTION keep_journal();

-- Also in sessions with session_replication_role = replica, which apply and the restoration of indexes use.
ALTER TABLE journal ENABLE ALWAYS TRIGGER chain;
ALTER TABLE journal ENABLE ALWAYS TRIGGER keep;
ALTER TABLE journal ENABLE ALWAYS TRIGGER keep_rows;
ALTER TABLE journal_head ENABLE ALWAYS TRIGGER keep;
ALTER TABLE journal_head ENABLE ALWAYS TRIGGER keep_rows;

INSERT INTO journal (migration, at, who, phase, event, detail)
SELECT migration, at, who, phase, event, detail FROM journal_before ORDER BY id;

DROP TABLE journal_before;
