package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Sample;
import java.io.IOException;
import java.sql.SQLException;
import tools.jackson.databind.JsonNode;

/// Measures how fast Millrace compares source and target, from the request to the verdict.
/// Stateless.
final class Reconciling {

    private Reconciling() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        BenchServers servers = turn.route().servers();
        try (Copying copying = turn.follow()) {
            if (!(copying instanceof Product.Service service)) {
                throw new ContestantFailed(turn.name() + " does not compare.");
            }
            servers.settle();
            Usage before = servers.usage(service.processes());
            long start = System.nanoTime();
            JsonNode report = service.reconcile();
            double seconds = Progress.seconds(start, System.nanoTime());
            Usage usage = servers.usage(service.processes()).since(before);
            String verdict = report.path("verdict").asString("");
            if (!verdict.equals("equal")) {
                throw new ContestantFailed("The verdict of the reconciliation is " + verdict + ".");
            }
            return turn.sample(Sample.rates(turn.rows(), seconds, seconds, usage));
        }
    }
}
