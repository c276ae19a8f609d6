package dev.millrace.fence;

import dev.millrace.fence.FenceSession.Deadline;
import dev.millrace.fence.WriteFence.Limits;
import dev.millrace.fence.WriteFence.Older;
import dev.millrace.fence.WriteFence.OpenWork;
import dev.millrace.postgres.Identifier;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Waits for the transactions that may still write although the fence is closed, because they
/// passed it, or read the lease with a snapshot from before it.
///
/// A transaction that begins after the lease's commit sees the lease. So the candidates are those
/// that run at the first reading; a virtual transaction identifier identifies each, whatever
/// `track_activities` is. A candidate is waited for while it has a transaction id, whatever that
/// is: a write that passed may get an id after the lease. It is also waited for while its
/// `backend_xmin` shows that a snapshot may be from before the lease. Server and client set both
/// fields without a common lock, so one reading can miss both: only two readings in a row count.
/// After that, what the candidates have prepared is waited for. A client with the extended protocol
/// keeps the snapshot of its last statement until the next one, so its idle transaction is waited
/// for as well.
///
/// Not waited for, because they do not write rows of the fenced tables past the fence: Millrace's
/// own role, which the fence lets pass; sessions of other databases; autovacuum workers; and
/// walsenders without a transaction id. Not thread-safe.
final class OlderTransactions {

    /// `age` compares 32-bit identifiers modulo 2^32, as PostgreSQL does.
    private static final String RUNNING =
            """
            SELECT a.pid, a.usename::text, a.state, a.xact_start, a.application_name, l.virtualxid,
                a.backend_xid IS NOT NULL OR coalesce(
                    pg_catalog.age(a.backend_xmin) >= pg_catalog.age(?::text::xid8::xid), false)
            FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
                AND a.datname = current_database() AND a.pid <> pg_catalog.pg_backend_pid()
                AND a.usename IS DISTINCT FROM session_user
                AND a.backend_type <> 'autovacuum worker'
                AND (a.backend_type <> 'walsender' OR a.backend_xid IS NOT NULL)
            ORDER BY a.xact_start NULLS LAST, a.pid
            """;

    private static final String PREPARED =
            """
            SELECT NULL::int, owner::text, 'prepared', prepared, gid, transaction::text
            FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
            ORDER BY prepared, gid
            """;

    private static final String SEES_ALL =
            "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'), session_user::text";

    private static final int READINGS_IN_A_ROW = 2;

    /// @param virtualId identifies the transaction while the server runs
    /// @param older whether it may have passed the fence, or may pass it
    private record Running(OpenWork work, String virtualId, boolean older) {}

    private record Prepared(OpenWork work, String transaction) {}

    private final FenceSession session;
    private final Limits limits;

    OlderTransactions(FenceSession session, Limits limits) {
        this.session = session;
        this.limits = limits;
    }

    /// Whether the role sees the sessions of others; if not, what to grant.
    List<String> missingPrivilege() throws SQLException {
        return session
                .list(
                        SEES_ALL,
                        row ->
                                row.getBoolean(1)
                                        ? ""
                                        : "Role %s sees neither the type nor the state of other roles' sessions, so it cannot tell when the last older transaction has ended. Run: GRANT pg_read_all_stats TO %s"
                                                .formatted(
                                                        row.getString(2),
                                                        Identifier.quote(row.getString(2))))
                .stream()
                .filter(text -> !text.isEmpty())
                .toList();
    }

    /// @param lease the transaction that committed the lease
    Older await(long lease, Duration limit) throws SQLException, InterruptedException {
        Deadline deadline = Deadline.in(limit);
        Set<String> candidates = null;
        int clear = 0;
        while (clear < READINGS_IN_A_ROW) {
            List<Running> running = running(lease);
            if (candidates == null) {
                candidates = running.stream().map(Running::virtualId).collect(Collectors.toSet());
            }
            Set<String> waitedFor = candidates;
            List<OpenWork> open =
                    running.stream()
                            .filter(each -> each.older() && waitedFor.contains(each.virtualId()))
                            .map(Running::work)
                            .toList();
            clear = open.isEmpty() ? clear + 1 : 0;
            if (!open.isEmpty()) {
                if (deadline.hasPassed()) {
                    return new Older.Blocked(open);
                }
                deadline.pause(limits.pause());
            }
        }
        return awaitPrepared(deadline);
    }

    private Older awaitPrepared(Deadline deadline) throws SQLException, InterruptedException {
        Set<String> older = null;
        while (true) {
            Map<String, OpenWork> prepared = prepared();
            if (older == null) {
                older = new HashSet<>(prepared.keySet());
            }
            prepared.keySet().retainAll(older);
            if (prepared.isEmpty()) {
                return new Older.Settled();
            }
            if (deadline.hasPassed()) {
                return new Older.Blocked(List.copyOf(prepared.values()));
            }
            deadline.pause(limits.pause());
        }
    }

    private List<Running> running(long lease) throws SQLException {
        return session.list(
                RUNNING,
                row -> new Running(OpenWork.of(row), row.getString(6), row.getBoolean(7)),
                Long.toUnsignedString(lease));
    }

    private Map<String, OpenWork> prepared() throws SQLException {
        Map<String, OpenWork> prepared = new HashMap<>();
        session.list(PREPARED, row -> new Prepared(OpenWork.of(row), row.getString(6)))
                .forEach(each -> prepared.put(each.transaction(), each.work()));
        return prepared;
    }
}
