package dev.millrace.bench.contestant;

import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.sandbox.SandboxPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// PostgreSQL's own logical replication: a publication on the source and a subscription on the
/// target. It copies the columns unchanged. All its work is done by the two servers.
public final class NativeReplication implements Contestant {

    private static final Duration STOP = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofMillis(20);

    @Override
    public String name() {
        return Peer.NATIVE.toString();
    }

    @Override
    public OrdersTable.Form form() {
        return OrdersTable.Form.COPIED;
    }

    @Override
    public Map<String, String> settings() {
        return Map.of(
                "publication", "FOR TABLE public.orders",
                "subscription", "WITH (copy_data = true), all other options default");
    }

    @Override
    public Copying start(Route route) throws SQLException {
        BenchServers.execute(
                route.servers().source(),
                route.sourceDatabase(),
                "CREATE PUBLICATION bench" + route.number() + " FOR TABLE public.orders");
        return new Subscription(route);
    }

    /// The subscription is created at the first question whether the copy has begun.
    private static final class Subscription implements Copying {

        private final Route route;
        private final String name;
        private final Connection target;
        private boolean created;

        Subscription(Route route) throws SQLException {
            this.route = route;
            this.name = "bench" + route.number();
            this.target = route.servers().target().connect(route.targetDatabase());
        }

        @Override
        public boolean hasBegun() throws SQLException {
            boolean before = created;
            if (!created) {
                created = true;
                SandboxPostgres source = route.servers().source();
                execute(
                        "CREATE SUBSCRIPTION "
                                + name
                                + " CONNECTION 'host=127.0.0.1 port="
                                + source.port()
                                + " user="
                                + source.username()
                                + " password="
                                + source.password()
                                + " dbname="
                                + route.sourceDatabase()
                                + "' PUBLICATION "
                                + name);
            }
            return before;
        }

        @Override
        public boolean follows() throws SQLException {
            return BenchServers.text(
                            target,
                            "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'")
                    .equals("0");
        }

        @Override
        public List<Long> processes() {
            return List.of();
        }

        @Override
        public void stop() throws SQLException {
            execute("ALTER SUBSCRIPTION " + name + " DISABLE");
            Deadline deadline = Deadline.in(STOP);
            while (!BenchServers.text(
                            target,
                            "SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL")
                    .equals("0")) {
                deadline.pause(POLL, "the end of the subscription's worker");
            }
        }

        @Override
        public void resume() throws SQLException {
            execute("ALTER SUBSCRIPTION " + name + " ENABLE");
        }

        /// Drops the subscription without its slot, which is removed with everything else on the
        /// source.
        @Override
        public void close() {
            try (target) {
                if (created) {
                    execute("ALTER SUBSCRIPTION " + name + " DISABLE");
                    execute("ALTER SUBSCRIPTION " + name + " SET (slot_name = NONE)");
                    execute("DROP SUBSCRIPTION " + name);
                }
            } catch (SQLException e) {
                throw new ContestantFailed("The subscription cannot be dropped: " + e, e);
            }
        }

        private void execute(String sql) throws SQLException {
            try (Statement statement = target.createStatement()) {
                statement.execute(sql);
            }
        }
    }
}
