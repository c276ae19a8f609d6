package dev.millrace.fence;

import dev.millrace.fence.FenceSession.Deadline;
import dev.millrace.fence.Lease.Change;
import dev.millrace.postgres.SqlFailure;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/// Reads and changes the lease of one stream. A change is one statement with an identifier of its
/// own, so it is repeated after a lost reply and still made once. Thread-safe.
final class LeaseStore {

    private static final Duration PAUSE = Duration.ofMillis(20);

    private static final String CHANGE =
            "SELECT taken, now_epoch, now_state, now_expires_at, read_at"
                    + " FROM millrace.change_lease(?, ?, ?, ?, ?)";

    private static final String READ =
            """
            SELECT true, l.epoch, l.state, l.expires_at, clock_timestamp()
            FROM (SELECT) one LEFT JOIN millrace.lease l ON l.stream = ? ORDER BY l.epoch DESC LIMIT 1
            """;

    /// The changes by their names in `change_lease`.
    enum Action {
        CLOSE,
        CLOSE_PERMANENTLY,
        RENEW,
        MAKE_PERMANENT,
        LIFT,
        OPEN;

        private String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    private final FenceSession session;
    private final String stream;
    private final Duration limit;

    /// @param limit how long a change is repeated while the database does not answer
    LeaseStore(FenceSession session, String stream, Duration limit) {
        this.session = session;
        this.stream = stream;
        this.limit = limit;
    }

    synchronized Lease read() throws SQLException {
        return session.list(READ, LeaseStore::lease, stream).getFirst();
    }

    /// The transaction that closed the fence.
    synchronized long closedBy() throws SQLException {
        return session.list(
                        "SELECT added_by::text FROM millrace.lease WHERE stream = ? ORDER BY epoch DESC LIMIT 1",
                        row -> Long.parseUnsignedLong(row.getString(1)),
                        stream)
                .getFirst();
    }

    synchronized Change change(Action action, long epoch, Duration ttl)
            throws SQLException, InterruptedException {
        String id = UUID.randomUUID().toString();
        Deadline deadline = Deadline.in(limit);
        while (true) {
            try {
                return once(action, epoch, ttl, id);
            } catch (SQLException e) {
                SqlFailure kind = SqlFailure.of(e);
                if (!mayPass(kind)) {
                    throw e;
                }
                if (deadline.hasPassed()) {
                    return new Change.Unknown(
                            "The database did not confirm the change of the lease within "
                                    + limit.toSeconds()
                                    + " s ("
                                    + kind.name().toLowerCase(Locale.ROOT).replace('_', ' ')
                                    + ").");
                }
                deadline.pause(PAUSE);
            }
        }
    }

    private static boolean mayPass(SqlFailure kind) {
        return switch (kind) {
            case UNREACHABLE, BUSY, RETRY, CANCELLED, LIMIT_REACHED -> true;
            case LOGIN_REFUSED,
                    DATABASE_MISSING,
                    NO_PRIVILEGE,
                    IN_USE,
                    READ_ONLY,
                    EXHAUSTED,
                    NOT_CONFIGURED,
                    REJECTED_VALUE,
                    UNDEFINED,
                    OTHER ->
                    false;
        };
    }

    private Change once(Action action, long epoch, Duration ttl, String id) throws SQLException {
        double seconds = ttl.toMillis() / 1_000.0;
        List<Change> result =
                session.list(
                        CHANGE,
                        row ->
                                row.getBoolean(1)
                                        ? new Change.Taken(lease(row))
                                        : new Change.NotTaken(lease(row)),
                        stream,
                        action.text(),
                        epoch,
                        seconds,
                        id);
        return result.getFirst();
    }

    private static Lease lease(ResultSet row) throws SQLException {
        long epoch = row.getLong(2);
        String state = row.getString(3);
        if (state == null) {
            return new Lease.Absent();
        }
        return switch (state) {
            case "permanent" -> new Lease.Permanent(epoch);
            case "open" -> new Lease.Open(epoch);
            case "leased" -> leased(epoch, row.getTimestamp(4), row.getTimestamp(5));
            default -> throw new IllegalStateException("Unknown state of a lease: " + state);
        };
    }

    private static Lease leased(long epoch, Timestamp expiresAt, Timestamp now) {
        Duration remaining = Duration.between(now.toInstant(), expiresAt.toInstant());
        return remaining.isPositive()
                ? new Lease.Leased(epoch, remaining)
                : new Lease.Expired(epoch);
    }
}
