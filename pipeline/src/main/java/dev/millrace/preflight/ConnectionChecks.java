package dev.millrace.preflight;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.backfill.Backfill;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Chunks;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Measure.Scalar;
import dev.millrace.spec.flow.StopCondition.Side;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Checks that both servers allow the connections that a migration needs. The limit of a role
/// counts the connections of this role; those of a database and of the server count all. If both
/// databases are on one server, its limits must allow the connections of both sides. Immutable.
public final class ConnectionChecks {

    private final Optional<String> sourceReader;
    private final Optional<String> targetReader;
    private final List<StopCondition> stopWhen;

    private ConnectionChecks(
            Optional<String> sourceReader,
            Optional<String> targetReader,
            List<StopCondition> stopWhen) {
        this.sourceReader = sourceReader;
        this.targetReader = targetReader;
        this.stopWhen = List.copyOf(stopWhen);
    }

    /// @param sourceReader the role that compares the source, if that is a login of its own
    /// @param targetReader the same for the target
    /// @param stopWhen of the file: each SELECT has a session
    static List<Facts.Check> of(
            Optional<String> sourceReader,
            Optional<String> targetReader,
            List<StopCondition> stopWhen) {
        ConnectionChecks checks = new ConnectionChecks(sourceReader, targetReader, stopWhen);
        return List.of(checks::source, checks::target);
    }

    private List<Finding> source(Facts facts) {
        return judge(
                CheckName.SOURCE_CONNECTIONS,
                Place.SOURCE,
                facts,
                facts.source().server(),
                ofSource(facts));
    }

    private List<Finding> target(Facts facts) {
        return judge(
                CheckName.TARGET_CONNECTIONS,
                Place.TARGET,
                facts,
                facts.target().server(),
                ofTarget(facts));
    }

    /// The connections of one login.
    private record Use(String role, String database, int sessions, int replicating) {

        boolean isCounted(ConnectionLimit limit, Server.Facts server) {
            return switch (limit.kind()) {
                case ROLE -> role.equals(server.role().name());
                case DATABASE -> database.equals(server.database());
                case SERVER -> true;
            };
        }

        int of(ConnectionLimit limit) {
            return sessions + (limit.counts() ? replicating : 0);
        }
    }

    private List<Use> ofSource(Facts facts) {
        return uses(
                facts.source().server(),
                ConnectionNeed.SOURCE + selects(Side.SOURCE),
                1,
                sourceReader);
    }

    private List<Use> ofTarget(Facts facts) {
        return uses(
                facts.target().server(),
                ConnectionNeed.TARGET + selects(Side.TARGET),
                0,
                targetReader);
    }

    private int selects(Side side) {
        return (int)
                stopWhen.stream()
                        .map(StopCondition::measure)
                        .distinct()
                        .filter(each -> each instanceof Scalar(Side on, String _) && on == side)
                        .count();
    }

    private static List<Use> uses(
            Server.Facts server, int sessions, int replicating, Optional<String> reader) {
        String role = server.role().name();
        String database = server.database();
        return reader.map(
                        name ->
                                List.of(
                                        new Use(
                                                role,
                                                database,
                                                sessions - ConnectionNeed.COMPARISON,
                                                replicating),
                                        new Use(
                                                name,
                                                database,
                                                ConnectionNeed.COMPARISON_LOGIN,
                                                0)))
                .orElse(List.of(new Use(role, database, sessions, replicating)));
    }

    private List<Finding> judge(
            CheckName check, Place place, Facts facts, Server.Facts server, List<Use> own) {
        Findings findings = new Findings(check);
        List<Use> onServer =
                facts.oneServer()
                        ? Stream.of(ofSource(facts), ofTarget(facts)).flatMap(List::stream).toList()
                        : own;
        for (ConnectionLimit limit : server.connections()) {
            int needed =
                    onServer.stream()
                            .filter(use -> use.isCounted(limit, server))
                            .mapToInt(use -> use.of(limit))
                            .sum();
            if (limit.limit() - limit.used() < needed) {
                findings.refuse(
                        object(limit),
                        new Measured(limit.limit() - limit.used() + " free", needed + " free"),
                        "allows "
                                + limit.limit()
                                + " connections, of which others use "
                                + limit.used()
                                + ", but the migration needs "
                                + needed,
                        remedy(place, limit, limit.used() + needed));
            }
        }
        int sessions = own.stream().mapToInt(Use::sessions).sum();
        return findings.orOk(
                "connections", "the limits allow the " + sessions + " connections that are needed");
    }

    private static String object(ConnectionLimit limit) {
        return switch (limit.kind()) {
            case ROLE -> "role " + limit.name();
            case DATABASE -> "database " + limit.name();
            case SERVER -> "max_connections";
        };
    }

    private static Remedy remedy(Place place, ConnectionLimit limit, int total) {
        return switch (limit.kind()) {
            case ROLE ->
                    new Remedy(
                            place,
                            "ALTER ROLE "
                                    + Identifier.quote(limit.name())
                                    + " CONNECTION LIMIT "
                                    + total
                                    + ";");
            case DATABASE ->
                    new Remedy(
                            place,
                            "ALTER DATABASE "
                                    + Identifier.quote(limit.name())
                                    + " CONNECTION LIMIT "
                                    + total
                                    + ";");
            case SERVER ->
                    new Remedy(
                                    place,
                                    "ALTER SYSTEM SET max_connections = "
                                            + (total + limit.reserved())
                                            + ";")
                            .note(
                                    "Then restart the server. Alternatively, end sessions that are"
                                            + " not needed.");
        };
    }

    /// The largest number of connections that one migration opens at a time, including a
    /// reconciliation. A test counts them in a running migration. A component that opens more
    /// connections must add them here.
    public static final class ConnectionNeed {

        /// The Debezium engine: one for queries, another while it checks the slot.
        private static final int ENGINE = 2;

        /// The publication check and the reader of table facts.
        private static final int CAPTURE = 2;

        /// The readers of existing rows and of single keys.
        private static final int BACKFILL =
                Backfill.Settings.of("", List.of(), Backfill.ExistingRows.READ, 1).readers();

        private static final int WATERMARKS = 1;

        /// A session for each chunk that is compared, and one that verifies keys meanwhile.
        private static final int RECONCILIATION = Chunks.DEFAULT.parallel() + 1;

        /// Looks for rows that another program wrote on the target, and compares them.
        private static final int WRITERS = 1;

        /// Connections of comparisons to one side.
        public static final int COMPARISON = RECONCILIATION + WRITERS;

        /// The same with a login of its own, whose pool is beside them.
        public static final int COMPARISON_LOGIN = COMPARISON + Database.POOL_SIZE;

        /// What stop conditions and the WAL budget measure, without the SELECTs of the file.
        private static final int LOAD = 1;

        /// Connections to the source, without the replication connection.
        public static final int SOURCE =
                Database.POOL_SIZE + ENGINE + CAPTURE + BACKFILL + WATERMARKS + LOAD + COMPARISON;

        private static final int OWNER = 1;
        private static final int MONITOR = 1;
        private static final int CONTROL = 1;
        private static final int RETENTION = 1;

        /// Reads the whole journal at the start.
        private static final int JOURNAL = 1;

        /// Drops and creates indexes and foreign keys.
        private static final int INDEXES = 1;

        /// Measures how long a commit takes.
        private static final int COMMIT = 1;

        /// Ends the transactions of apply when it is paused.
        private static final int PAUSE = 1;

        public static final int TARGET =
                Database.POOL_SIZE
                        + OWNER
                        + MONITOR
                        + CONTROL
                        + RETENTION
                        + JOURNAL
                        + INDEXES
                        + ApplierSettings.Limits.standard().writers()
                        + PAUSE
                        + LOAD
                        + COMMIT
                        + COMPARISON;

        private ConnectionNeed() {}
    }
}
