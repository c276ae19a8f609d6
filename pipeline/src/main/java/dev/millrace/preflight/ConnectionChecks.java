package dev.millrace.preflight;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.preflight.PreflightCheck.Findings;
import java.util.List;

/// Whether both servers let the migration have the sessions it needs. Where they are one server,
/// its limits must hold for both sides' sessions.
public final class ConnectionChecks {

    static final List<PreflightCheck> ALL =
            List.of(ConnectionChecks::source, ConnectionChecks::target);

    private ConnectionChecks() {}

    private static List<Finding> source(Facts facts) {
        return judge(
                "source.connections", facts, facts.source().server(), ConnectionNeed.SOURCE, 1);
    }

    private static List<Finding> target(Facts facts) {
        return judge(
                "target.connections", facts, facts.target().server(), ConnectionNeed.TARGET, 0);
    }

    private static List<Finding> judge(
            String check, Facts facts, Server.Facts server, int sessions, int replicating) {
        Findings findings = new Findings(check);
        for (ConnectionLimit limit : server.connections()) {
            int needed =
                    shared(limit, facts) ? ConnectionNeed.SOURCE + ConnectionNeed.TARGET : sessions;
            if (limit.counts()) {
                needed += shared(limit, facts) ? 1 : replicating;
            }
            if (limit.limit() - limit.used() < needed) {
                findings.refuse(
                        object(limit),
                        "allows "
                                + limit.limit()
                                + " connections, of which others use "
                                + limit.used()
                                + ", but the migration needs "
                                + needed,
                        remedy(limit, limit.used() + needed));
            }
        }
        return findings.orOk(
                "connections", "the limits allow the " + sessions + " that are needed");
    }

    private static boolean shared(ConnectionLimit limit, Facts facts) {
        Server.Facts source = facts.source().server();
        Server.Facts target = facts.target().server();
        boolean oneServer =
                source.systemIdentifier().isPresent()
                        && source.systemIdentifier().equals(target.systemIdentifier());
        return oneServer
                && switch (limit.kind()) {
                    case ROLE -> source.role().name().equals(target.role().name());
                    case DATABASE -> source.database().equals(target.database());
                    case SERVER -> true;
                };
    }

    private static String object(ConnectionLimit limit) {
        return switch (limit.kind()) {
            case ROLE -> "role " + limit.name();
            case DATABASE -> "database " + limit.name();
            case SERVER -> "max_connections";
        };
    }

    private static String remedy(ConnectionLimit limit, int total) {
        return switch (limit.kind()) {
            case ROLE ->
                    "ALTER ROLE "
                            + Identifier.quote(limit.name())
                            + " CONNECTION LIMIT "
                            + total
                            + ";";
            case DATABASE ->
                    "ALTER DATABASE "
                            + Identifier.quote(limit.name())
                            + " CONNECTION LIMIT "
                            + total
                            + ";";
            case SERVER ->
                    "end sessions that nobody needs, or raise max_connections and restart the server";
        };
    }

    /// The most sessions that one migration has at one time, a reconciliation included. A test
    /// counts them in a running migration: a component that opens more sessions has its number
    /// here.
    public static final class ConnectionNeed {

        /// Of the engine: one for queries, another while it looks at the slot.
        private static final int ENGINE = 2;

        /// The watch of the publication, and a look at a table.
        private static final int CAPTURE = 2;

        private static final int WATERMARKS = 1;
        private static final int RECONCILIATION = 1;

        /// Without the session that replicates.
        public static final int SOURCE =
                Database.POOL_SIZE + ENGINE + CAPTURE + WATERMARKS + RECONCILIATION;

        private static final int OWNER = 1;
        private static final int WATCH = 1;
        private static final int CONTROL = 1;

        public static final int TARGET =
                Database.POOL_SIZE
                        + OWNER
                        + WATCH
                        + CONTROL
                        + ApplierSettings.Limits.standard().writers()
                        + RECONCILIATION;

        private ConnectionNeed() {}
    }
}
