package dev.millrace.fence;

import dev.millrace.change.TableId;
import dev.millrace.fence.LeaseStore.Action;
import dev.millrace.postgres.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The write fence of one stream in one database. Triggers on the stream's tables refuse INSERT,
/// UPDATE, DELETE and TRUNCATE for all sessions but those of Millrace's own login role, while the
/// lease in the control schema says so. A lease that nobody renews expires by the database's own
/// clock, so a controller that stops gives the tables back.
///
/// After [#close], a write can still come from a transaction that is older than the lease.
/// [#awaitOlder] waits for them. Only what it and [#prove] confirm is closed.
///
/// The control schema must exist. Every method throws [SQLException] when the database does not
/// answer; the changes of the lease return [Lease.Change.Unknown] instead. Thread-safe: one thread
/// renews the lease while another waits, because the lease has a separate session.
public final class WriteFence implements AutoCloseable {

    /// How long the fence may delay others and itself.
    ///
    /// @param lock how long one statement waits for the lock of a table, and how long the writes
    ///   that queued behind it have before the next attempt. Shorter than the server's
    ///   `deadlock_timeout`, so that the fence gives way and no transaction of the application is
    ///   chosen as a deadlock's victim
    /// @param pause between two readings of the running transactions
    /// @param installation all attempts of [#install] or [#remove] together
    /// @param reply how long the database may take to answer a change of the lease, and how long
    ///   the change is repeated if it does not
    public record Limits(Duration lock, Duration pause, Duration installation, Duration reply) {

        public static Limits standard() {
            return new Limits(
                    Duration.ofMillis(500),
                    Duration.ofMillis(10),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(5));
        }
    }

    /// The result of [#install] and [#remove].
    public sealed interface Outcome {

        record Done() implements Outcome {}

        /// An operator must change something. Each reason says what.
        record Refused(List<String> reasons) implements Outcome {
            public Refused {
                reasons = List.copyOf(reasons);
            }
        }

        /// Others locked the table until the limit. What came before it in the order of names is
        /// done; a repetition continues.
        record Busy(String table, List<OpenWork> work) implements Outcome {
            public Busy {
                work = List.copyOf(work);
            }
        }
    }

    /// The result of [#awaitOlder].
    public sealed interface Older {

        /// No transaction can write past the lease.
        record Settled() implements Older {}

        /// These transactions were open when the limit had passed.
        record Blocked(List<OpenWork> work) implements Older {
            public Blocked {
                work = List.copyOf(work);
            }
        }

        /// It cannot be determined. The reason says what to do.
        record Refused(String reason) implements Older {}
    }

    /// A transaction of others: of a session, or a prepared one. No text of a query, because it can
    /// contain values.
    ///
    /// @param pid empty for a prepared transaction
    /// @param state as `pg_stat_activity` shows it, or `prepared`
    /// @param since when the transaction began or was prepared
    /// @param name the session's `application_name`, or the identifier of a prepared transaction
    public record OpenWork(
            OptionalInt pid, String role, String state, Optional<Instant> since, String name) {

        static OpenWork of(ResultSet row) throws SQLException {
            int pid = row.getInt(1);
            OptionalInt known = row.wasNull() ? OptionalInt.empty() : OptionalInt.of(pid);
            return new OpenWork(
                    known,
                    text(row.getString(2)),
                    text(row.getString(3)),
                    Optional.ofNullable(row.getTimestamp(4)).map(Timestamp::toInstant),
                    text(row.getString(5)));
        }

        private static String text(@Nullable String text) {
            return text == null ? "" : text;
        }
    }

    /// The result of [#prove]. The fence is proven if there is no problem.
    ///
    /// @param probed login roles whose writes were tried and refused
    /// @param byCatalog login roles that may write to the tables and that Millrace may not become:
    ///   the catalog alone says that the fence refuses them
    /// @param problems why writes could pass
    public record Proof(
            SortedSet<String> probed, SortedSet<String> byCatalog, List<String> problems) {

        public Proof {
            probed = new TreeSet<>(probed);
            byCatalog = new TreeSet<>(byCatalog);
            problems = List.copyOf(problems);
        }

        /// What was checked without a problem.
        public String text() {
            List<String> sentences = new ArrayList<>();
            if (!probed.isEmpty()) {
                sentences.add(
                        "Writes were tried and refused as: " + String.join(", ", probed) + ".");
            }
            if (!byCatalog.isEmpty()) {
                sentences.add(
                        "Only the triggers were checked for roles that Millrace may not SET ROLE to: "
                                + String.join(", ", byCatalog)
                                + ".");
            }
            return sentences.isEmpty()
                    ? "The triggers exist. No other login may write to the tables."
                    : String.join(" ", sentences);
        }
    }

    /// Creating a trigger on a table with thousands of partitions takes seconds.
    private static final Duration SILENCE = Duration.ofMinutes(2);

    private final FenceSession session;
    private final FenceSession leaseSession;
    private final LeaseStore leases;
    private final Installation installation;
    private final OlderTransactions older;
    private final FenceProof proof;

    /// @param stream the identifier of the stream in the control schema
    /// @param tables of the stream's mappings in this database; their partitions and inheritance
    ///   children belong to them
    public WriteFence(Database database, String stream, Collection<TableId> tables, Limits limits) {
        List<TableId> ordered = tables.stream().distinct().sorted().toList();
        session = new FenceSession(database, "fence", limits.lock(), SILENCE);
        leaseSession = new FenceSession(database, "lease", limits.lock(), limits.reply());
        leases = new LeaseStore(leaseSession, stream, limits.reply());
        installation = new Installation(session, stream, ordered, limits);
        older = new OlderTransactions(session, limits);
        proof = new FenceProof(session, stream, ordered);
    }

    /// Creates the triggers that do not exist yet or have changed. Does not close the fence.
    public synchronized Outcome install() throws SQLException, InterruptedException {
        return installation.install();
    }

    /// Drops the triggers and deletes the leases of this stream. Opens the fence whatever the lease
    /// says.
    public synchronized Outcome remove() throws SQLException, InterruptedException {
        return installation.remove();
    }

    public Lease read() throws SQLException {
        return leases.read();
    }

    /// Closes an open fence with a new epoch. Not taken while it is closed.
    public Lease.Change close(Duration ttl) throws SQLException, InterruptedException {
        return leases.change(Action.CLOSE, 0, ttl);
    }

    /// Lets the lease last for at least `ttl` from now. Not taken once it has expired, because a
    /// write can have passed since.
    public Lease.Change renew(long epoch, Duration ttl) throws SQLException, InterruptedException {
        return leases.change(Action.RENEW, epoch, ttl);
    }

    /// Makes an unexpired lease permanent, without a moment in which a write can pass.
    public Lease.Change makePermanent(long epoch) throws SQLException, InterruptedException {
        return leases.change(Action.MAKE_PERMANENT, epoch, Duration.ZERO);
    }

    /// Opens the fence unless its lease is permanent.
    public Lease.Change lift(long epoch) throws SQLException, InterruptedException {
        return leases.change(Action.LIFT, epoch, Duration.ZERO);
    }

    /// Closes a fence that has never been closed, without expiry. Not taken in every other state: a
    /// target that has been opened is not closed by a restart.
    public Lease.Change closePermanently() throws SQLException, InterruptedException {
        return leases.change(Action.CLOSE_PERMANENTLY, 0, Duration.ZERO);
    }

    /// Opens a fence whose lease is permanent.
    public Lease.Change open(long epoch) throws SQLException, InterruptedException {
        return leases.change(Action.OPEN, epoch, Duration.ZERO);
    }

    /// Waits until no transaction can write past the closed fence. Renew a lease meanwhile if it
    /// would expire, and check afterwards that it has not.
    public synchronized Older awaitOlder(Duration limit) throws SQLException, InterruptedException {
        if (!leases.read().isClosed()) {
            return new Older.Refused("The fence is open, so every transaction can write.");
        }
        List<String> missing = older.missingPrivilege();
        return missing.isEmpty()
                ? older.await(leases.closedBy(), limit)
                : new Older.Refused(missing.getFirst());
    }

    /// Checks every trigger in the catalog, and tries writes as the application's roles.
    public synchronized Proof prove() throws SQLException {
        return proof.prove(installation.holder(), leases.read());
    }

    /// Closes the sessions; a method that waits fails. The fence stays as it is.
    @Override
    public void close() {
        session.close();
        leaseSession.close();
    }
}
