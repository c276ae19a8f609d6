-- Requests that need two persons: who asked for what, and who has approved it. A request waits in the state pending;
-- a migration has at most one of each kind.
CREATE TABLE approval (
    id uuid PRIMARY KEY,
    migration text NOT NULL,
    kind text NOT NULL,
    requester text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    forced text NOT NULL,
    expected_phase text,
    rename_old text,
    request_key text,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL,
    approver text,
    CHECK (state <> 'approved' OR approver <> requester)
);
CREATE UNIQUE INDEX ON approval (migration, kind) WHERE state = 'pending';
