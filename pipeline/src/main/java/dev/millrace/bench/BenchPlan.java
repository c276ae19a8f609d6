package dev.millrace.bench;

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
public record BenchPlan(
        List<Measure> measures,
        List<Peer> peers,
        Load load,
        int runs,
        Path out,
        Optional<Path> checkout,
        List<String> options) {

    public BenchPlan {
        measures = List.copyOf(measures);
        peers = List.copyOf(peers);
        options = List.copyOf(options);
        if (runs < 1) {
            throw new IllegalArgumentException("A benchmark needs at least one run, got " + runs);
        }
    }

    /// The amount of work.
    ///
    /// @param rows rows of the backfill and of the reconciliation
    /// @param changes single-row transactions of the catch-up, and row changes of the stream
    /// @param changingRows rows of the table that these changes update
    /// @param rate changes per second of the latency measure
    /// @param latencySeconds length of the latency measure
    public record Load(long rows, long changes, long changingRows, int rate, int latencySeconds) {

        public static final Load FULL = new Load(2_000_000, 400_000, 100_000, 1_000, 60);
        public static final Load QUICK = new Load(500_000, 50_000, 50_000, 1_000, 20);

        public Load {
            if (Math.min(Math.min(rows, changes), changingRows) < 1
                    || Math.min(rate, latencySeconds) < 1) {
                throw new IllegalArgumentException("A load has no zero and no negative part.");
            }
        }

        public Load withRows(long number) {
            return new Load(number, changes, changingRows, rate, latencySeconds);
        }
    }
}
