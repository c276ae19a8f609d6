package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.contestant.OrdersTable;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;

/// Measures how fast Millrace compares source and target, from the request to the verdict: first
/// equal tables, then with a few, many and only different rows on the target. Beside it, both
/// servers count their rows, and compute an MD5 of the text of each row, at the same time.
/// Stateless.
final class Reconciling {

    private static final int FEW = 10;
    private static final int MANY = 10_000;

    private Reconciling() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        BenchServers servers = turn.route().servers();
        try (Copying copying = turn.follow()) {
            if (!(copying instanceof Product.Service service)) {
                throw new ContestantFailed(turn.name() + " does not compare.");
            }
            servers.settle();
            Usage before = servers.usage(service.processes());
            double seconds = seconds(service, "equal");
            Usage usage = servers.usage(service.processes()).since(before);
            Map<Figure, Double> figures =
                    new EnumMap<>(Sample.rates(turn.rows(), seconds, seconds, usage));
            figures.put(
                    Figure.RATE_PER_CORE,
                    turn.rows() / seconds / Runtime.getRuntime().availableProcessors());
            figures.put(Figure.EQUAL, seconds);
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

    /// @param verdict the one that is expected
    private static double seconds(Product.Service service, String verdict) {
        long start = System.nanoTime();
        JsonNode report = service.reconcile();
        double seconds = Progress.seconds(start, System.nanoTime());
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
        return seconds(service, "different");
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
