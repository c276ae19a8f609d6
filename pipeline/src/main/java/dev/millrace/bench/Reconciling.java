package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.contestant.Deadline;
import dev.millrace.bench.contestant.OrdersTable;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/// Measures how fast Millrace compares source and target, from the request to the verdict: first
/// equal tables, then the keys that were touched since, then all rows with a few, many and only
/// different ones on the target. Beside it, both servers count their rows, and compute an MD5 of
/// the text of each row, at the same time. Stateless.
final class Reconciling {

    private static final int FEW = 10;
    private static final int MANY = 10_000;
    private static final int TOUCHED = 10_000;

    /// Comparisons of touched keys, of which the median counts. The service repeats them for as
    /// long as it runs, and the first one compiles code.
    private static final int PASSES = 5;

    private static final Duration ARRIVAL = Duration.ofMinutes(2);
    private static final Duration POLL = Duration.ofMillis(100);

    private Reconciling() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        BenchServers servers = turn.route().servers();
        try (Copying copying = turn.follow()) {
            if (!(copying instanceof Product.Service service)) {
                throw new ContestantFailed(turn.name() + " does not compare.");
            }
            servers.settle();
            Usage before = servers.usage(service.processes());
            double seconds = seconds(service, false, "equal");
            Usage usage = servers.usage(service.processes()).since(before);
            Map<Figure, Double> figures =
                    new EnumMap<>(Sample.rates(turn.rows(), seconds, seconds, usage));
            figures.put(
                    Figure.RATE_PER_CORE,
                    turn.rows() / seconds / Runtime.getRuntime().availableProcessors());
            figures.put(Figure.EQUAL, seconds);
            figures.put(Figure.TOUCHED, touched(turn, service));
            figures.put(Figure.COUNT, onBothSides(turn, "count(*)"));
            figures.put(Figure.MD5, onBothSides(turn, "count(md5(r::text))"));
            // The target is equal only until here.
            Sample equal = turn.sample(figures);
            figures.put(Figure.FEW_DIFFERENT, different(turn, service, FEW));
            figures.put(Figure.MANY_DIFFERENT, different(turn, service, MANY));
            double all = different(turn, service, turn.rows());
            figures.put(Figure.ALL_DIFFERENT, all);
            figures.put(Figure.ALL_TO_EQUAL, all / seconds);
            return equal.with(figures);
        }
    }

    private static double touched(Turn turn, Product.Service service) throws SQLException {
        List<Double> passes = new ArrayList<>();
        for (int i = 0; i < PASSES; i++) {
            passes.add(touchedOnce(turn, service));
        }
        Collections.sort(passes);
        return passes.get(PASSES / 2);
    }

    /// Changes rows of the source, spread over the table, waits until they have arrived, and
    /// compares what was touched. Then the rows are as they were.
    private static double touchedOnce(Turn turn, Product.Service service) throws SQLException {
        long step = Math.max(1, turn.rows() / TOUCHED);
        String keys = " = ANY (ARRAY(SELECT generate_series(%1$d, %2$d, %1$d)))";
        String some = keys.formatted(step, turn.rows());
        update(turn, some, "note || '.'", turn.rows() / step);
        turn.route().servers().settle();
        double seconds = seconds(service, true, "equal");
        update(turn, some, "left(note, -1)", 0);
        return seconds;
    }

    /// @param dots how many of these rows end with a dot afterwards
    private static void update(Turn turn, String keys, String note, long dots) throws SQLException {
        try (Statement statement = turn.source().createStatement()) {
            statement.execute(
                    "UPDATE public."
                            + OrdersTable.NAME
                            + " SET note = "
                            + note
                            + " WHERE id"
                            + keys);
        }
        String arrived =
                "SELECT count(*) FROM public."
                        + OrdersTable.NAME
                        + " WHERE "
                        + turn.contestant().form().key()
                        + keys
                        + " AND remark LIKE '%.'";
        Deadline deadline = Deadline.in(ARRIVAL);
        while (!BenchServers.text(turn.target(), arrived).equals(Long.toString(dots))) {
            deadline.pause(POLL, "the touched rows to arrive");
        }
    }

    /// @param incremental whether only touched keys are compared
    /// @param verdict the one that is expected
    private static double seconds(Product.Service service, boolean incremental, String verdict) {
        long start = System.nanoTime();
        JsonNode report = service.reconcile(incremental);
        double seconds = Progress.seconds(start, System.nanoTime());
        String method = report.path("tables").path(0).path("method").asString("");
        if (incremental && !method.contains("touched keys")) {
            throw new ContestantFailed("The incremental reconciliation compared " + method + ".");
        }
        String found = report.path("verdict").asString("");
        if (!found.equals(verdict)) {
            throw new ContestantFailed(
                    "The verdict of the reconciliation is "
                            + found
                            + " instead of "
                            + verdict
                            + ".");
        }
        return seconds;
    }

    /// Changes at least this number of rows of the target, spread over the table, and compares.
    private static double different(Turn turn, Product.Service service, long rows)
            throws SQLException {
        String key = turn.contestant().form().key();
        BenchServers.execute(
                turn.route().servers().target(),
                turn.route().targetDatabase(),
                List.of(
                        "UPDATE public."
                                + OrdersTable.NAME
                                + " SET remark = remark || '.' WHERE "
                                + key
                                + " % "
                                + Math.max(1, turn.rows() / rows)
                                + " = 0",
                        "VACUUM (ANALYZE) public." + OrdersTable.NAME));
        turn.route().servers().settle();
        return seconds(service, false, "different");
    }

    private static double onBothSides(Turn turn, String aggregate) throws SQLException {
        String select = "SELECT " + aggregate + " FROM ";
        String source = "(" + turn.contestant().form().select(OrdersTable.NAME) + ") AS r";
        long start = System.nanoTime();
        CompletableFuture<String> other =
                CompletableFuture.supplyAsync(() -> text(turn.source(), select + source));
        BenchServers.text(turn.target(), select + "public." + OrdersTable.NAME + " AS r");
        other.join();
        return Progress.seconds(start, System.nanoTime());
    }

    private static String text(Connection connection, String sql) {
        try {
            return BenchServers.text(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
