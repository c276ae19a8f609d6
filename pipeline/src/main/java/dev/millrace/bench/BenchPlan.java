package dev.millrace.bench;

import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What a benchmark measures, against whom, and how much of it. Immutable.
///
/// @param peers the peers beside Millrace; a peer that a measure does not know takes no part in it
/// @param runs how often each contestant is measured; at least 1
/// @param out existing folder for report, plots, logs and, during the run, the servers
/// @param checkout the checkout whose Maven wrapper downloads peers; empty in a distribution
/// @param options of the JVM that runs the service
/// @param startCache whether to create a start cache first, as the launcher's first demo does
/// @param growth whether to measure how the rate changes as the work grows
/// @param profile whether to run the service once more, with Flight Recorder, for each measure that
///   has a profile
public record BenchPlan(
        List<Measure> measures,
        List<Peer> peers,
        Load load,
        int runs,
        Path out,
        Optional<Path> checkout,
        List<String> options,
        boolean startCache,
        boolean growth,
        boolean profile) {

    public BenchPlan {
        measures = List.copyOf(measures);
        peers = List.copyOf(peers);
        options = List.copyOf(options);
        if (runs < 1) {
            throw new IllegalArgumentException("A benchmark needs at least one run, got " + runs);
        }
    }

    Product product() {
        return new Product(
                options,
                startCache
                        ? Optional.of(out.resolve(Bench.WORK).resolve("start.aot"))
                        : Optional.empty());
    }
}
